//! What can go wrong with one request, and who is to blame.

use std::fmt;

use crate::base::error::{self, Exit};

/// Where permissions are given, in the words of the box's own pages.
pub(crate) const PERMISSIONS_PAGE: &str =
    "Paramètres de la Freebox > Gestion des accès > Applications";

/// An error of the API. It names the endpoint once; the kinds are the ones somebody branches on.
#[derive(Clone, Debug)]
pub(crate) struct Error {
    /// The path below the API's base, or a whole address where there is no base yet.
    pub(crate) endpoint: String,
    /// What happened.
    pub(crate) kind: Kind,
}

/// What happened to a request.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
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

impl Error {
    /// An error at `endpoint`.
    pub(crate) fn new(endpoint: impl Into<String>, kind: Kind) -> Self {
        Error {
            endpoint: endpoint.into(),
            kind,
        }
    }

    /// Whether the box answered properly that it does not have what was asked for, as opposed to
    /// not giving it to this application.
    pub(crate) fn is_declined(&self) -> bool {
        const ABOUT_ACCESS: [&str; 4] = [
            "insufficient_rights",
            "access_denied",
            "apps_denied",
            "ratelimited",
        ];
        matches!(&self.kind, Kind::Declined(declined)
            if !self.wants_login() && !ABOUT_ACCESS.contains(&declined.code.as_str()))
    }

    /// The permission that is missing, if that is what happened.
    pub(crate) fn missing_right(&self) -> Option<&str> {
        match &self.kind {
            Kind::Declined(declined) => declined.right.as_deref(),
            _ => None,
        }
    }

    /// Whether the session is over and a new one may help.
    pub(super) fn wants_login(&self) -> bool {
        const SESSION_OVER: [&str; 3] = ["auth_required", "invalid_session", "invalid_token"];
        matches!(&self.kind, Kind::Declined(declined)
            if SESSION_OVER.contains(&declined.code.as_str()))
    }

    /// Whether this is what comes of asking at a place where the API is no longer.
    pub(super) fn is_out_of_date(&self) -> bool {
        match &self.kind {
            Kind::NoAnswer(_) | Kind::Untrusted(_) | Kind::NotUnderstood(_) => true,
            Kind::Declined(declined) => declined.code == "invalid_api_version",
            Kind::Refused(_) => false,
        }
    }

    /// The exit code of a run that got no further than this.
    fn exit(&self) -> Exit {
        match self.kind {
            Kind::Refused(_) => Exit::Refused,
            _ => Exit::Unreachable,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.endpoint, self.kind)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Declined(declined) => declined.fmt(f),
            Kind::Refused(words)
            | Kind::NoAnswer(words)
            | Kind::Untrusted(words)
            | Kind::NotUnderstood(words) => f.write_str(words),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for error::Error {
    fn from(error: Error) -> Self {
        error::Error::new(error.exit(), error.to_string())
    }
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(right) = &self.right {
            return write!(
                f,
                "the permission '{right}' is missing; tick it in Freebox OS under {PERMISSIONS_PAGE}"
            );
        }
        match (self.code.as_str(), self.message.as_str()) {
            ("", "") => f.write_str("the box says no without a reason"),
            (code, "") => write!(f, "the box says {code}"),
            ("", message) => write!(f, "the box says \"{message}\""),
            (code, message) => write!(f, "the box says {code} (\"{message}\")"),
        }
    }
}
