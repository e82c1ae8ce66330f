//! What can go wrong with one request, and who is to blame.

use std::fmt;

use super::permission;
use crate::base::error::{Error, Exit};

/// An error of the API. It names the endpoint once; the reasons are the ones somebody branches on.
#[derive(Clone, Debug)]
pub(crate) struct RequestError {
    /// The path below the API's base, or a whole address where there is no base yet.
    pub(crate) endpoint: String,
    /// What happened.
    pub(crate) reason: Reason,
}

/// What happened to a request.
#[derive(Clone, Debug)]
pub(crate) enum Reason {
    /// The box understood and says no: it has no such thing, or not now.
    Declined(Declined),
    /// The box will not deal with this application: not granted, revoked, another box.
    Refused(String),
    /// No answer of the API came: network, TLS, time, or something that is no Freebox.
    NoAnswer(String),
    /// TLS was spoken, and the certificate is not one to trust.
    Untrusted(String),
    /// An answer came that is not what it should be.
    NotUnderstood(String),
}

/// What a failed request means for what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The application lacks a permission.
    Forbidden,
    /// This box, or this version of its API, has no such thing.
    NotHere,
    /// The box says no in a way in which some models say that they lack something, and all of them
    /// that something is wrong.
    Unclear,
    /// What is there was not given: not now, not to us, or no answer came that can be read.
    Broken,
}

/// The codes of a box that has what was asked for and does not give it: it is in trouble, or has
/// something against this application.
const TROUBLES: [&str; 17] = [
    "busy",
    "ioerror",
    "io_error",
    "nomem",
    "netdown",
    "timeout",
    "timedout",
    "nospc",
    "again",
    "auth_required",
    "invalid_session",
    "invalid_token",
    "insufficient_rights",
    "access_denied",
    "apps_denied",
    "ratelimited",
    "denied_from_external_ip",
];

/// `success: false` and what came with it.
#[derive(Clone, Debug)]
pub(crate) struct Declined {
    /// `error_code`, empty if there was none.
    pub(crate) code: String,
    /// `msg`, in the language of the box.
    pub(crate) message: String,
    /// `missing_right`: the permission that would be needed.
    pub(crate) right: Option<String>,
    /// `uid`: which box says so.
    pub(crate) uid: Option<String>,
}

impl RequestError {
    /// An error at `endpoint`.
    pub(crate) fn new(endpoint: impl Into<String>, reason: Reason) -> Self {
        RequestError {
            endpoint: endpoint.into(),
            reason,
        }
    }

    /// What it means for what was asked for.
    pub(crate) fn meaning(&self) -> Meaning {
        let Reason::Declined(declined) = &self.reason else {
            return Meaning::Broken;
        };
        match declined.code.as_str() {
            _ if declined.right.is_some() => Meaning::Forbidden,
            "noent"
            | "nodev"
            | "nohost"
            | "service_down"
            | "unsupp"
            | "invalid_request"
            | "invalid_api_version" => Meaning::NotHere,
            code if code.starts_with("notsup") => Meaning::NotHere,
            "" | "internal_error" | "inval" => Meaning::Unclear,
            code if TROUBLES.contains(&code) => Meaning::Broken,
            _ => Meaning::Unclear,
        }
    }

    /// The permission that is missing, if that is what happened.
    pub(crate) fn missing_right(&self) -> Option<&str> {
        match &self.reason {
            Reason::Declined(declined) => declined.right.as_deref(),
            _ => None,
        }
    }

    /// Whether something came back that the box may have said.
    pub(crate) fn is_answer(&self) -> bool {
        matches!(
            self.reason,
            Reason::Declined(_) | Reason::Refused(_) | Reason::NotUnderstood(_)
        )
    }

    /// Whether the session is over and a new one may help.
    pub(super) fn wants_login(&self) -> bool {
        const SESSION_OVER: [&str; 3] = ["auth_required", "invalid_session", "invalid_token"];
        matches!(&self.reason, Reason::Declined(declined)
            if SESSION_OVER.contains(&declined.code.as_str()))
    }

    /// Whether this is what comes of asking at a place where the API is no longer.
    pub(super) fn is_out_of_date(&self) -> bool {
        match &self.reason {
            Reason::NoAnswer(_) | Reason::Untrusted(_) | Reason::NotUnderstood(_) => true,
            Reason::Declined(_) => self.is_about_version(),
            Reason::Refused(_) => false,
        }
    }

    /// Whether the box says that it does not speak the version of its API that it was asked in.
    pub(super) fn is_about_version(&self) -> bool {
        matches!(&self.reason, Reason::Declined(declined)
            if declined.code == "invalid_api_version")
    }

    /// The exit code of a run that got no further than this.
    fn exit(&self) -> Exit {
        match self.reason {
            Reason::Refused(_) => Exit::Refused,
            _ => Exit::Unreachable,
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.endpoint, self.reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Declined(declined) => declined.fmt(f),
            Reason::Refused(words)
            | Reason::NoAnswer(words)
            | Reason::Untrusted(words)
            | Reason::NotUnderstood(words) => f.write_str(words),
        }
    }
}

impl std::error::Error for RequestError {}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Self {
        Error::new(error.exit(), error.to_string())
    }
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(right) = &self.right {
            let (what, advice) = (permission::is_missing(right), permission::how_to_give());
            return write!(f, "{what}; {advice}");
        }
        match (self.code.as_str(), self.message.as_str()) {
            ("", "") => f.write_str("the box says no without a reason"),
            (code, "") => write!(f, "the box says {code}"),
            ("", message) => write!(f, "the box says \"{message}\""),
            (code, message) => write!(f, "the box says {code} (\"{message}\")"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(code: &str) -> Meaning {
        let declined = Declined {
            code: code.to_owned(),
            message: String::new(),
            right: None,
            uid: None,
        };
        RequestError::new("x", Reason::Declined(declined)).meaning()
    }

    #[test]
    fn absent_and_broken_are_told_apart() {
        for code in [
            "noent",
            "nodev",
            "nohost",
            "service_down",
            "unsupp",
            "notsup",
            "notsupp",
        ] {
            assert_eq!(meaning(code), Meaning::NotHere, "{code}");
        }
        for code in [
            "busy", "ioerror", "io_error", "nomem", "netdown", "timeout", "nospc",
        ] {
            assert_eq!(meaning(code), Meaning::Broken, "{code}");
        }
        for code in ["internal_error", "inval", "", "news"] {
            assert_eq!(meaning(code), Meaning::Unclear, "{code}");
        }
    }
}
