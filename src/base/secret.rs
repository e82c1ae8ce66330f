//! A text that must not be seen: tokens and challenges.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A token. Its `Debug` form is a fixed word and it has no `Display`, so that it cannot end up
/// in a log or an error text by accident.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// Whether it can be a token at all: what may travel in a header and stand in a file, without
    /// blanks and control characters.
    pub(crate) fn is_token(&self) -> bool {
        !self.0.is_empty() && self.0.chars().all(|c| c.is_ascii_graphic())
    }

    /// The text itself, for the request or the file it belongs into and nothing else.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_it() {
        assert_eq!(format!("{:?}", Secret::new("abc")), "<secret>");
    }
}
