//! What must not be seen.

use std::fmt;

/// Text that must not be seen: its `Debug` and `Display` print `***`.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the wire and the key store only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `text` with the secret, the parts of its query too, made `***`: servers like to quote what they
    /// refuse.
    pub fn redact(&self, text: &str) -> String {
        let (name, query) = self.0.split_once('?').unwrap_or((&self.0, ""));
        let values = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value);
        let parts = [self.0.as_str(), query, name].into_iter().chain(values);
        parts.fold(text.to_owned(), |text, part| hide(&text, part, "***"))
    }

    /// `text` with `place` wherever the whole secret stands.
    pub fn replace(&self, text: &str, place: &str) -> String {
        hide(text, &self.0, place)
    }
}

/// A part this short may be a piece of any word, so it is only hidden where it stands alone.
const SHORT: usize = 6;

fn hide(text: &str, part: &str, place: &str) -> String {
    if part.is_empty() {
        return text.to_owned();
    }
    let mut hidden = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(part) {
        let (before, after) = (&rest[..at], &rest[at + part.len()..]);
        let inside = |neighbour: Option<char>| neighbour.is_some_and(|letter| letter.is_alphanumeric());
        hidden.push_str(before);
        let word = inside(hidden.chars().next_back()) || inside(after.chars().next());
        hidden.push_str(if part.len() < SHORT && word { part } else { place });
        rest = after;
    }
    hidden + rest
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_token_is_hidden_and_words_are_left_whole() {
        let long = Secret::new("evening?token=abcdef12&user=me");
        assert_eq!(long.redact("bad token abcdef12 of evening"), "bad token *** of ***");
        assert_eq!(long.redact("token=abcdef12&user=me: no, me"), "***: no, ***");
        assert_eq!(long.redact("members"), "members");
        let short = Secret::new("s");
        assert_eq!(
            short.redact("NetStream.Publish.BadName: s is used"),
            "NetStream.Publish.BadName: *** is used"
        );
    }
}
