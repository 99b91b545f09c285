//! JSON for people: what fits is on one line, keys are sorted, so that a change shows as few lines.

use serde_json::Value;

/// Columns of a line.
const WIDTH: usize = 120;

/// The text, with a line feed at its end.
pub(super) fn pretty(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value, 0, 0);
    text.push('\n');
    text
}

/// `before` is what stands on the line already, without its indentation.
fn write(text: &mut String, value: &Value, depth: usize, before: usize) {
    let flat = flat(value);
    if depth * 2 + before + flat.chars().count() < WIDTH {
        text.push_str(&flat);
        return;
    }
    match value {
        Value::Array(items) => {
            let items = items.iter().map(|item| (String::new(), item));
            write_items(text, ['[', ']'], items, depth);
        }
        Value::Object(map) => {
            let items = map.iter().map(|(key, item)| (format!("{}: ", Value::from(key.as_str())), item));
            write_items(text, ['{', '}'], items, depth);
        }
        _ => text.push_str(&flat),
    }
}

fn write_items<'a>(
    text: &mut String,
    [open, close]: [char; 2],
    items: impl Iterator<Item = (String, &'a Value)>,
    depth: usize,
) {
    text.push(open);
    for (n, (key, item)) in items.enumerate() {
        text.push_str(if n == 0 { "\n" } else { ",\n" });
        text.push_str(&"  ".repeat(depth + 1));
        text.push_str(&key);
        write(text, item, depth + 1, key.chars().count());
    }
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
    text.push(close);
}

/// On one line, with spaces.
fn flat(value: &Value) -> String {
    let all = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Array(items) => format!("[{}]", all(items.iter().map(flat).collect())),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let pair = |(key, item): (&String, &Value)| format!("{}: {}", Value::from(key.as_str()), flat(item));
            format!("{{ {} }}", all(map.iter().map(pair).collect()))
        }
        other => other.to_string(),
    }
}
