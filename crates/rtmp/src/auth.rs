//! Signing in by challenge, as Adobe's and Limelight's servers want it: pure, text in and text out.
//!
//! ```text
//! connect to app                                  -> refused: authmod=adobe, code=403 need auth
//! connect to app?authmod=adobe&user=me            -> refused: ?reason=needauth&salt=..&challenge=..
//! connect to app?authmod=adobe&user=me&response=  -> accepted, or refused: ?reason=authfailed
//! ```
//!
//! Every line is a connection of its own. There is no paper on either kind; this is what librtmp and
//! FFmpeg send. Limelight's is the digest of HTTP (RFC 2617) with `publish` for the method.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};
use media::{Credentials, Secret};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::message::Error;

/// A refusal longer than this is no question, whatever it holds.
const MAX_DESCRIPTION: usize = 4096;

/// What a server sends to be hashed is some dozen letters.
const MAX_VALUE: usize = 256;

/// The name of a kind that we do not know is shown; no more of it than this.
const MAX_METHOD: usize = 16;

/// Why a connection is refused: what is missing, or what is wrong.
const REASONS: [&str; 3] = ["needauth", "authfailed", "nosuchuser"];

/// What would end the user's name inside a query, or be read as another letter. The rest stays as it
/// is, since not every server decodes.
const IN_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'#').add(b'%').add(b'&').add(b'+').add(b'?');

/// Limelight's fixed part of the digest.
mod limelight {
    pub(super) const REALM: &str = "live";
    pub(super) const METHOD: &str = "publish";
    /// How often the nonce was used.
    pub(super) const COUNT: &str = "00000001";
    pub(super) const QUALITY: &str = "auth";
    /// An app without an instance has this one.
    pub(super) const DEFAULT_INSTANCE: &str = "/_definst_";
}

/// How a server wants its users to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// `authmod=adobe`.
    Adobe,
    /// `authmod=llnw`.
    Limelight,
    /// A kind that we do not know; at most a few letters and digits of its name.
    Other(String),
}

impl Method {
    fn parse(name: &str) -> Self {
        match name {
            "adobe" => Self::Adobe,
            "llnw" => Self::Limelight,
            other => Self::Other(other.chars().take(MAX_METHOD).collect()),
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Adobe => "adobe",
            Self::Limelight => "llnw",
            Self::Other(name) => name,
        }
    }
}

/// What a server that wants a user says where it refuses `connect`. Prints nothing but its kind.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Not every server repeats it.
    method: Option<Method>,
    question: Question,
}

#[derive(Clone, PartialEq, Eq)]
enum Question {
    /// "Who are you?"
    User,
    /// "Prove it with these."
    Proof { salt: Option<Secret>, challenge: Option<Secret>, opaque: Option<Secret>, nonce: Option<Secret> },
    /// "You are not."
    Failed,
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge").field("method", &self.method).finish_non_exhaustive()
    }
}

impl Challenge {
    /// The question in the description of a refusal, if there is one.
    pub fn find(description: &str) -> Result<Option<Self>, Error> {
        let reason = description.split_once("?reason=").map(|(_, rest)| rest);
        let reason = reason.filter(|rest| REASONS.iter().any(|reason| rest.starts_with(reason)));
        let method = description.split_once("authmod=").map(|(_, rest)| {
            let name = rest.split(|c: char| !c.is_ascii_alphanumeric()).next();
            Method::parse(name.unwrap_or_default())
        });
        if method.is_none() && reason.is_none() && !description.contains("need auth") {
            return Ok(None);
        }
        if description.len() > MAX_DESCRIPTION {
            return Err(Error::Challenge { what: "is too long" });
        }
        let question = match reason {
            Some(query) => Question::parse(query)?,
            None => Question::User,
        };
        Ok(Some(Self { method, question }))
    }
}

impl Question {
    /// Takes apart what follows `?reason=`.
    fn parse(query: &str) -> Result<Self, Error> {
        let query = query.trim_end();
        let (reason, query) = query.split_once('&').unwrap_or((query, ""));
        if reason != "needauth" {
            return Ok(Self::Failed);
        }
        let value = |key: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let value = pairs.find(|(name, _)| *name == key).map(|(_, value)| value);
            match value {
                None | Some("") => Ok(None),
                Some(value) if value.len() > MAX_VALUE => Err(Error::Challenge { what: "is too long" }),
                Some(value) if value.bytes().all(|byte| byte.is_ascii_graphic()) => {
                    Ok(Some(Secret::new(value)))
                }
                Some(_) => Err(Error::Challenge { what: "holds letters that it may not" }),
            }
        };
        Ok(Self::Proof {
            salt: value("salt")?,
            challenge: value("challenge")?,
            opaque: value("opaque")?,
            nonce: value("nonce")?,
        })
    }
}

/// Why there is no answer to a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server asks for a user, and there is none.
    Needed,
    /// The server does not know this user with this password.
    Failed,
    /// The server asks in a way that we do not know.
    Unsupported(Method),
    /// The question makes no sense.
    Malformed(Error),
}

impl Fault {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Needed => "auth-needed",
            Self::Failed => "auth-failed",
            Self::Unsupported(_) => "auth-unsupported",
            Self::Malformed(_) => "rtmp-malformed",
        }
    }
}

/// How far we are with one server. Each answer comes after the one before it, so there are two at most.
#[derive(Debug)]
pub struct Dialogue<'a> {
    credentials: Option<&'a Credentials>,
    app: &'a str,
    method: Option<Method>,
    answered: Answered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answered {
    Nothing,
    User,
    Proof,
}

impl<'a> Dialogue<'a> {
    /// Before the first connection to `app`.
    pub fn new(credentials: Option<&'a Credentials>, app: &'a str) -> Self {
        Self { credentials, app, method: None, answered: Answered::Nothing }
    }

    /// How the server had us sign in, if it did.
    pub fn method(&self) -> Option<&Method> {
        self.method.as_ref()
    }

    /// The query that the next connection adds to its app. `nonce` is ours: a few letters or digits,
    /// never the same twice.
    pub fn answer(&mut self, challenge: &Challenge, nonce: &str) -> Result<Secret, Fault> {
        if challenge.question == Question::Failed {
            return Err(if self.credentials.is_some() { Fault::Failed } else { Fault::Needed });
        }
        let method = match challenge.method.clone().or(self.method.clone()) {
            Some(method @ (Method::Adobe | Method::Limelight)) => method,
            other => return Err(Fault::Unsupported(other.unwrap_or(Method::Other(String::new())))),
        };
        let credentials = self.credentials.ok_or(Fault::Needed)?;
        let next = if challenge.question == Question::User { Answered::User } else { Answered::Proof };
        if next <= self.answered {
            return Err(Fault::Failed);
        }
        let user = utf8_percent_encode(&credentials.user, IN_QUERY);
        let who = format!("authmod={}&user={user}", method.name());
        let query = match &challenge.question {
            Question::Proof { salt, challenge, opaque, .. } if method == Method::Adobe => {
                let proof = adobe(credentials, salt.as_ref(), challenge.as_ref(), opaque.as_ref(), nonce)?;
                format!("{who}&{proof}")
            }
            Question::Proof { nonce: theirs, .. } => {
                format!("{who}&{}", limelight(credentials, self.app, theirs.as_ref(), nonce)?)
            }
            _ => who,
        };
        self.answered = next;
        self.method = Some(method);
        Ok(Secret::new(query))
    }
}

/// `app` with `query` behind what query it has.
pub fn extend(app: &str, query: &Secret) -> String {
    let joint = if app.contains('?') { '&' } else { '?' };
    format!("{app}{joint}{}", query.expose())
}

fn adobe(
    credentials: &Credentials,
    salt: Option<&Secret>,
    challenge: Option<&Secret>,
    opaque: Option<&Secret>,
    nonce: &str,
) -> Result<String, Fault> {
    let missing = |what| Fault::Malformed(Error::Challenge { what });
    let salt = salt.ok_or_else(|| missing("has no salt"))?.expose();
    // Both clients hash the challenge only where there is nothing opaque.
    let theirs = opaque.or(challenge).ok_or_else(|| missing("has neither opaque nor challenge"))?.expose();
    let digest = |parts: &[&str]| BASE64_STANDARD.encode(Md5::digest(parts.concat()));
    let salted = digest(&[&credentials.user, salt, credentials.password.expose()]);
    let response = digest(&[&salted, theirs, nonce]);
    let opaque = opaque.map_or(String::new(), |opaque| format!("&opaque={}", opaque.expose()));
    Ok(format!("challenge={nonce}&response={response}{opaque}"))
}

fn limelight(
    credentials: &Credentials,
    app: &str,
    theirs: Option<&Secret>,
    nonce: &str,
) -> Result<String, Fault> {
    use limelight::{COUNT, DEFAULT_INSTANCE, METHOD, QUALITY, REALM};
    let missing = || Fault::Malformed(Error::Challenge { what: "has no nonce" });
    let theirs = theirs.ok_or_else(missing)?.expose();
    let app = app.split_once('?').map_or(app, |(app, _)| app);
    let instance = if app.contains('/') { "" } else { DEFAULT_INSTANCE };
    let digest = |parts: &[&str]| hex(&Md5::digest(parts.join(":")));
    let user = digest(&[&credentials.user, REALM, credentials.password.expose()]);
    let call = digest(&[METHOD, &format!("/{app}{instance}")]);
    let response = digest(&[&user, theirs, COUNT, nonce, QUALITY, &call]);
    Ok(format!("nonce={theirs}&cnonce={nonce}&nc={COUNT}&response={response}"))
}

/// Lower-case, two digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[path = "auth_tests.rs"]
mod tests;
