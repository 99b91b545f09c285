//! Who may do what: scopes, the tokens that carry them, and the caller that a request comes from.
//!
//! Not here: how a token travels (`web`), where it is written down (`config`). Invariants: a token is known by its hash
//! alone; a scope that was not given is never implied by anything but `admin`, and not even that approves, so that
//! whoever keeps gengfu running does not thereby let maintenance through.

use super::*;
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// What a token may be good for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// See what the public view leaves out: host names, traces, the outbox, the audit log.
    Read,
    /// Ask for changes: windows, plans, incidents. Includes `read`.
    Operate,
    /// Approve what this owner's applicants ask for. Includes `read`.
    Approve(OwnerId),
    /// Look after gengfu itself: reload. Includes `read` and `operate`, and no approval.
    Admin,
}

impl Scope {
    /// The scopes that name no owner.
    pub const PLAIN: [Self; 3] = [Self::Read, Self::Operate, Self::Admin];

    /// Whether whoever has this scope may do what `needed` is asked for.
    pub fn includes(&self, needed: &Self) -> bool {
        match (self, needed) {
            (_, Self::Read) | (Self::Admin, Self::Operate) => true,
            (own, needed) => own == needed,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => f.write_str("read"),
            Self::Operate => f.write_str("operate"),
            Self::Approve(owner) => write!(f, "approve:{owner}"),
            Self::Admin => f.write_str("admin"),
        }
    }
}

impl FromStr for Scope {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.split_once(':') {
            Some(("approve", owner)) if !owner.is_empty() => Ok(Self::Approve(OwnerId::new(owner))),
            _ => Self::PLAIN.into_iter().find(|plain| plain.to_string() == text).ok_or("is no scope"),
        }
    }
}

/// SHA-256 of a token; the token itself is kept nowhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a token as its holder has it.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }
}

impl FromStr for TokenHash {
    type Err = &'static str;

    /// 64 hexadecimal digits, with or without `sha256:` before them.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text).as_bytes();
        let mut hash = [0; 32];
        if digits.len() != 2 * hash.len() {
            return Err("is no SHA-256");
        }
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let value = |digit: u8| char::from(digit).to_digit(16).ok_or("is no SHA-256");
            *byte = u8::try_from(value(pair[0])? << 4 | value(pair[1])?).unwrap_or_default();
        }
        Ok(Self(hash))
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Enough to tell two apart, and nothing to test guesses of a weak token against.
        write!(f, "TokenHash({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// One token, as `gengfu.yaml` has it. Two of one holder are a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// A person's or a machine's name.
    pub holder: String,
    /// The owner for whom the holder acts; `None` acts for all.
    pub owner: Option<OwnerId>,
    /// What it is good for.
    pub scopes: Vec<Scope>,
    /// What it is known by.
    pub hash: TokenHash,
    /// From when on it is not taken any more.
    pub expires: Option<Timestamp>,
}

impl Token {
    /// Whoever shows it, from this place.
    pub fn caller(&self, from: impl Into<String>) -> Caller {
        Caller { name: self.holder.clone(), owner: self.owner.clone(), scopes: self.scopes.clone(), from: from.into() }
    }
}

/// Every token that is known.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    tokens: Vec<Token>,
}

/// Why a token is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// Nobody has it.
    #[error("nobody holds this token; an administrator lists its hash in `access.tokens` of gengfu.yaml")]
    Unknown,
    /// Its time is over.
    #[error("the token of {holder} expired at {at}; an administrator gives out another one")]
    Expired {
        /// Whose it was.
        holder: String,
        /// Since when.
        at: Timestamp,
    },
}

impl Keyring {
    /// A ring of these.
    pub fn new(tokens: Vec<Token>) -> Self {
        Self { tokens }
    }

    /// All of them, in the order of the file.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Adds one.
    pub fn add(&mut self, token: Token) {
        self.tokens.push(token);
    }

    /// The token with this hash, if it is taken at `now`.
    ///
    /// # Errors
    /// Why it is not.
    pub fn find(&self, now: Timestamp, hash: TokenHash) -> Result<&Token, NotTaken> {
        // Hashes are compared, not tokens: how long it takes says nothing about a token.
        let token = self.tokens.iter().find(|token| token.hash == hash).ok_or(NotTaken::Unknown)?;
        match token.expires {
            Some(at) if at <= now => Err(NotTaken::Expired { holder: token.holder.clone(), at }),
            _ => Ok(token),
        }
    }
}

/// A person or a machine whose token was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The holder's name.
    pub name: String,
    /// The owner for whom the holder acts; `None` acts for all.
    pub owner: Option<OwnerId>,
    /// What the token is good for.
    pub scopes: Vec<Scope>,
    /// The address from which the request came.
    pub from: String,
}

/// Why a caller may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The token is not good for it.
    #[error("{name} lacks the scope `{needed}`; an administrator adds it in `access.tokens` of gengfu.yaml")]
    Scope {
        /// Who asked.
        name: String,
        /// What it takes.
        needed: Scope,
    },
    /// The holder acts for another owner.
    #[error("{name} acts for `{own}`, and this belongs to `{other}`; ask somebody who acts for that owner")]
    Owner {
        /// Who asked.
        name: String,
        /// For whom the holder acts.
        own: OwnerId,
        /// Whose it is.
        other: OwnerId,
    },
}

impl Caller {
    /// Whether the token is good for this.
    pub fn may(&self, needed: &Scope) -> bool {
        self.scopes.iter().any(|scope| scope.includes(needed))
    }

    /// Refuses whoever lacks a scope.
    ///
    /// # Errors
    /// The scope that is missing, and where it is granted.
    pub fn must(&self, needed: Scope) -> Result<(), Refusal> {
        if self.may(&needed) { Ok(()) } else { Err(Refusal::Scope { name: self.name.clone(), needed }) }
    }

    /// Refuses whoever acts for another owner than the one that a thing belongs to. An approval for an owner is a scope
    /// of its own, and does not need this.
    ///
    /// # Errors
    /// Both owners.
    pub fn must_act_for(&self, other: &OwnerId) -> Result<(), Refusal> {
        match &self.owner {
            Some(own) if own != other => {
                Err(Refusal::Owner { name: self.name.clone(), own: own.clone(), other: other.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Who the audit log names.
    pub fn actor(&self) -> Actor {
        Actor { name: self.name.clone(), owner: self.owner.clone(), from: self.from.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(secret: &str, scopes: &[&str], expires: Option<i64>) -> Token {
        Token {
            holder: format!("holder of {secret}"),
            owner: None,
            scopes: scopes.iter().map(|s| s.parse().unwrap()).collect(),
            hash: TokenHash::of(secret),
            expires: expires.map(Timestamp),
        }
    }

    #[test]
    fn a_scope_reads_as_it_prints_and_nothing_else_is_one() {
        for text in ["read", "operate", "admin", "approve:bdc"] {
            assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
        }
        for wrong in ["", "Read", "approve", "approve:", "admin:bdc", "write"] {
            assert!(wrong.parse::<Scope>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn admin_operates_and_approves_nothing() {
        let has = |own: &str, needed: &str| own.parse::<Scope>().unwrap().includes(&needed.parse().unwrap());
        for own in ["read", "operate", "admin", "approve:bdc"] {
            assert!(has(own, "read") && has(own, own), "{own}");
        }
        assert!(has("admin", "operate") && !has("operate", "admin") && !has("read", "operate"));
        for (own, needed) in [("admin", "approve:bdc"), ("approve:tax", "approve:bdc"), ("approve:bdc", "operate")] {
            assert!(!has(own, needed), "{own} is no {needed}");
        }
    }

    #[test]
    fn a_token_is_taken_until_its_last_millisecond() {
        let ring = Keyring::new(vec![token("old", &["read"], Some(1_000)), token("new", &["read"], None)]);
        assert_eq!(ring.find(Timestamp(999), TokenHash::of("old")).unwrap().holder, "holder of old");
        let over = ring.find(Timestamp(1_000), TokenHash::of("old"));
        assert!(matches!(over, Err(NotTaken::Expired { at: Timestamp(1_000), .. })));
        assert!(ring.find(Timestamp::MAX, TokenHash::of("new")).is_ok());
        assert_eq!(ring.find(Timestamp(0), TokenHash::of("none")), Err(NotTaken::Unknown));
    }

    #[test]
    fn a_hash_reads_as_it_prints_and_hides_when_debugged() {
        let hash = TokenHash::of("abc");
        let printed = hash.to_string();
        assert_eq!(printed, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(printed.parse(), Ok(hash));
        assert_eq!(format!("sha256:{}", printed.to_uppercase()).parse(), Ok(hash));
        assert!(!format!("{hash:?}").contains(&printed[..8]));
        for wrong in ["", "ba78", &printed[1..], &printed.replace('b', "g"), &format!("{}é", &printed[..62])] {
            assert!(wrong.parse::<TokenHash>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_holder_with_an_owner_acts_for_that_owner_alone() {
        let mut caller = token("x", &["operate"], None).caller("127.0.0.1");
        assert!(caller.must_act_for(&"tax".into()).is_ok());
        caller.owner = Some("bdc".into());
        assert!(caller.must_act_for(&"bdc".into()).is_ok());
        let refused = caller.must_act_for(&"tax".into()).unwrap_err().to_string();
        assert!(refused.contains("`bdc`") && refused.contains("`tax`"), "{refused}");
        let refused = caller.must(Scope::Admin).unwrap_err().to_string();
        assert!(refused.contains("`admin`") && refused.contains("gengfu.yaml"), "{refused}");
        assert_eq!(caller.actor().from, "127.0.0.1");
    }
}
