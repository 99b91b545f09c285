//! One door in words and types, and how the document says it.
//!
//! Not here: which doors there are (`operations`). Invariant: which refusals an operation names follows from what it
//! takes and who may come, so that no table has to be kept.

use super::Schemas;
use crate::domain::access::Scope;
use crate::web::access::Needs;
use axum::http::{Method, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// The answer that stands for every refusal that is not named.
pub(super) const PROBLEM: &str = "Problem";

/// What is refused, and what that means wherever it is.
pub(super) const REFUSALS: [(StatusCode, &str); 9] = [
    (StatusCode::BAD_REQUEST, "The question is not understood."),
    (StatusCode::UNAUTHORIZED, "A token is needed; or nobody holds the one that was shown, or its time is over."),
    (StatusCode::FORBIDDEN, "Whoever asks may not do this."),
    (StatusCode::NOT_FOUND, "There is no such thing."),
    (StatusCode::CONFLICT, "As things stand this cannot be done."),
    (StatusCode::PAYLOAD_TOO_LARGE, "The body is longer than 64 KiB."),
    (StatusCode::UNPROCESSABLE_ENTITY, "It makes no sense as it is, or policy does not allow it."),
    (StatusCode::TOO_MANY_REQUESTS, "Asked too often; `Retry-After` says in how many seconds to come back."),
    (StatusCode::SERVICE_UNAVAILABLE, "It cannot be answered now: the daemon is busy or stops, or its store refuses."),
];

/// What comes back.
enum Form {
    Json(fn(&mut SchemaGenerator) -> Schema),
    Text(&'static str),
    Nothing,
}

/// What is sent along.
struct Body {
    schema: fn(&mut SchemaGenerator) -> Schema,
    example: Value,
    may_be_left_out: bool,
}

/// One door in words and types.
pub(super) struct Operation {
    method: Method,
    path: &'static str,
    says: &'static str,
    words: &'static [&'static str],
    questions: Vec<fn(&mut SchemaGenerator) -> Schema>,
    body: Option<Body>,
    answers: Vec<(StatusCode, Form)>,
    refuses: Vec<StatusCode>,
}

impl Operation {
    fn new(method: Method, path: &'static str, says: &'static str) -> Self {
        let (words, questions, answers, refuses) = (&[][..], Vec::new(), Vec::new(), Vec::new());
        Self { method, path, says, words, questions, body: None, answers, refuses }
    }

    /// A door that reads; `path` is what stands behind `/api/v1`.
    pub(super) fn get(path: &'static str, says: &'static str) -> Self {
        Self::new(Method::GET, path, says)
    }

    /// A door that changes something.
    pub(super) fn post(path: &'static str, says: &'static str) -> Self {
        Self::new(Method::POST, path, says)
    }

    /// The last part of the path is one of these.
    pub(super) fn one_of(self, words: &'static [&'static str]) -> Self {
        Self { words, ..self }
    }

    /// Each field is a parameter.
    pub(super) fn asks<T: JsonSchema>(mut self) -> Self {
        self.questions.push(T::json_schema);
        self
    }

    /// A body.
    pub(super) fn takes<T: JsonSchema>(self, example: Value) -> Self {
        let body = Body { schema: SchemaGenerator::subschema_for::<T>, example, may_be_left_out: false };
        Self { body: Some(body), ..self }
    }

    /// A body, or none.
    pub(super) fn may_take<T: JsonSchema>(self, example: Value) -> Self {
        let body = Body { schema: SchemaGenerator::subschema_for::<T>, example, may_be_left_out: true };
        Self { body: Some(body), ..self }
    }

    /// An answer.
    pub(super) fn tells<T: JsonSchema>(mut self, status: StatusCode) -> Self {
        self.answers.push((status, Form::Json(SchemaGenerator::subschema_for::<T>)));
        self
    }

    /// An answer that is not JSON.
    pub(super) fn tells_text(mut self, kind: &'static str) -> Self {
        self.answers.push((StatusCode::OK, Form::Text(kind)));
        self
    }

    /// An answer without a body.
    pub(super) fn tells_nothing(mut self, status: StatusCode) -> Self {
        self.answers.push((status, Form::Nothing));
        self
    }

    /// The answer to an order that was carried out; it may also be refused.
    pub(super) fn orders<T: JsonSchema>(self, status: StatusCode) -> Self {
        self.tells::<T>(status).refuses(&[
            StatusCode::FORBIDDEN,
            StatusCode::NOT_FOUND,
            StatusCode::CONFLICT,
            StatusCode::UNPROCESSABLE_ENTITY,
            StatusCode::SERVICE_UNAVAILABLE,
        ])
    }

    /// Refusals besides those that follow from the rest.
    pub(super) fn refuses(mut self, statuses: &[StatusCode]) -> Self {
        self.refuses.extend(statuses);
        self
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    /// Behind `/api/v1`.
    pub(super) fn path(&self) -> &'static str {
        self.path
    }

    pub(super) fn id(&self) -> String {
        let words = self.path.split('/').map(|part| part.trim_matches(['{', '}']).replace(['-', '.'], "_"));
        let words = words.filter(|word| !word.is_empty());
        [self.method.as_str().to_ascii_lowercase()].into_iter().chain(words).collect::<Vec<_>>().join("_")
    }

    pub(super) fn describe(&self, needs: &Needs, schemas: &mut Schemas) -> Value {
        let tag = self.path.split('/').nth(1).filter(|first| !first.is_empty() && !first.contains('.'));
        let (permission, security) = permission(needs);
        let mut operation = json!({
            "operationId": self.id(), "tags": [tag.unwrap_or("about")], "summary": self.says, "description": permission,
            "security": security, "parameters": self.parameters(schemas), "responses": self.responses(needs, schemas),
        });
        if let Some(Body { schema, example, may_be_left_out }) = &self.body {
            let schema = schema(&mut schemas.read).to_value();
            let content = json!({ "application/json": { "schema": schema, "example": example } });
            operation["requestBody"] = json!({ "required": !may_be_left_out, "content": content });
        }
        operation
    }

    fn parameters(&self, schemas: &mut Schemas) -> Vec<Value> {
        let mut parameters = Vec::new();
        let parts: Vec<&str> = self.path.split('/').collect();
        for pair in parts.windows(2).filter(|pair| pair[1].starts_with('{')) {
            let is_last = parts.last() == Some(&pair[1]);
            let schema = match self.words {
                words if is_last && !words.is_empty() => json!({ "type": "string", "enum": words }),
                _ => json!({ "type": "string", "minLength": 1 }),
            };
            let (name, description) = (pair[1].trim_matches(['{', '}']), part(pair[0], pair[1]));
            let parameter =
                json!({ "name": name, "in": "path", "required": true, "description": description, "schema": schema });
            parameters.push(parameter);
        }
        for question in &self.questions {
            let asked = question(&mut schemas.read).to_value();
            let must = asked["required"].as_array().cloned().unwrap_or_default();
            for (name, schema) in asked["properties"].as_object().into_iter().flatten() {
                let (mut schema, required) = (given(schema.clone()), must.contains(&json!(name)));
                let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
                let mut parameter = json!({ "name": name, "in": "query", "required": required, "schema": schema });
                parameter["description"] = description.unwrap_or_default();
                parameters.push(parameter);
            }
        }
        parameters
    }

    fn responses(&self, needs: &Needs, schemas: &mut Schemas) -> Map<String, Value> {
        let mut responses = Map::new();
        for (status, form) in &self.answers {
            let reason = status.canonical_reason().unwrap_or_default();
            let response = responses.entry(status.as_str()).or_insert(json!({ "description": reason }));
            match form {
                Form::Json(schema) => {
                    response["content"]["application/json"]["schema"] = schema(&mut schemas.written).to_value();
                }
                Form::Text(kind) => response["content"][*kind] = json!({ "schema": { "type": "string" } }),
                Form::Nothing => {}
            }
        }
        for (status, _) in REFUSALS.iter().filter(|(status, _)| self.may_refuse(needs, *status)) {
            responses.insert(status.as_str().to_owned(), refer(&named(*status)));
        }
        responses.insert("default".to_owned(), refer(PROBLEM));
        responses
    }

    /// Whether this is a refusal that whoever asks must be ready for.
    fn may_refuse(&self, needs: &Needs, status: StatusCode) -> bool {
        let follows = match status {
            StatusCode::BAD_REQUEST => !self.questions.is_empty() || self.path.contains('{'),
            // A token that is not taken is refused everywhere.
            StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS => true,
            StatusCode::FORBIDDEN => matches!(needs, Needs::Token | Needs::Scope(_)),
            StatusCode::NOT_FOUND => self.path.contains('{'),
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => self.body.is_some(),
            _ => false,
        };
        follows || self.refuses.contains(&status)
    }
}

/// What a part of a path stands for, by what stands before it.
fn part(before: &str, name: &str) -> &'static str {
    match (before, name) {
        (_, "{owner}") => "An owner, such as `bdc`.",
        ("{owner}", "{id}") => "One of its subsystems, such as `identity`.",
        ("incidents" | "filings", _) => "An incident: `INC-0042` or `42`.",
        ("windows", _) => "A window, such as `bdc-monthly.1f2e3d4c`.",
        ("schedules", _) => "A schedule of the files, such as `bdc-monthly`.",
        ("runs", _) => "A run of a plan: the window's id, a dot and a number.",
        ("silences", _) => "A silence, such as `SIL-0007`.",
        ("outbox", _) => "A message, by the id that `outbox` tells.",
        ("leases", _) => "The secret that the lease's taker was told.",
        ("heartbeat", _) => "The token of a probe of the kind heartbeat.",
        ("{token}", _) => "`start`, `fail`, or the code from 0 to 255 with which the job ended.",
        _ => "What is to be done.",
    }
}

/// A parameter that may be left out is never null.
fn given(mut schema: Value) -> Value {
    if let Some(kinds) = schema["type"].as_array()
        && let [one] = &kinds.iter().filter(|kind| *kind != "null").collect::<Vec<_>>()[..]
    {
        schema["type"] = (*one).clone();
    }
    schema
}

/// Who may come: in words, and as the document says it.
fn permission(needs: &Needs) -> (String, Value) {
    let token = |scopes: &[&Scope]| {
        let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        json!([{ "token": scopes }])
    };
    match needs {
        Needs::Nothing => {
            ("Anybody may come; whoever shows a token may see more.".to_owned(), json!([{}, { "token": [] }]))
        }
        Needs::Sight => ("From gengfu's own machine, or with a token.".to_owned(), json!([{}, { "token": [] }])),
        Needs::Token => ("With a token; what it must be good for depends on what is asked.".to_owned(), token(&[])),
        Needs::Scope(scope) => (format!("With a token that has the scope `{scope}`."), token(&[scope])),
    }
}

/// The name under which the document keeps a refusal: `NotFound`.
pub(super) fn named(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or_default().replace(' ', "")
}

/// A refusal as the document keeps it.
pub(super) fn problem(says: &str, schema: &Value) -> Value {
    let content = json!({ "application/problem+json": { "schema": schema } });
    json!({ "description": says, "content": content })
}

fn refer(name: &str) -> Value {
    json!({ "$ref": format!("#/components/responses/{name}") })
}
