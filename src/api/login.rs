//! Asking for access and opening sessions. <https://dev.freebox.fr/sdk/os/login/>

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value as Json, json};
use sha1::Sha1;
use sha2::Sha256;

use super::error::{Declined, Reason, RequestError};
use super::permission::ACCESS_PAGE;
use super::transport::{Answer, Fault, Transport, USUAL_ANSWER};
use crate::base::error::one_line;
use crate::base::secret::Secret;
use crate::metrics::lenient::{flag, text};

/// The hash of the log-in's HMAC. Every documented version of the API says SHA-1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum HashType {
    /// What every known box uses.
    #[default]
    Sha1,
    /// For a box that wants it (`--auth-hash-type sha256`).
    Sha256,
}

impl std::str::FromStr for HashType {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word.to_ascii_lowercase().as_str() {
            "sha1" => Ok(HashType::Sha1),
            "sha256" => Ok(HashType::Sha256),
            _ => Err("it is sha1 or sha256".to_owned()),
        }
    }
}

/// How this program is known to the box.
#[derive(Clone, Debug)]
pub(crate) struct App {
    /// `app_id`.
    pub(crate) id: String,
    /// `app_token`, granted at the box.
    pub(crate) token: Secret,
    /// The hash for its log-ins.
    pub(crate) hash: HashType,
    /// The box that granted access, if that is known.
    pub(crate) uid: Option<String>,
}

impl App {
    /// Makes sure that the box that says to be `found` is the one that granted access.
    ///
    /// # Errors
    /// [`Reason::Refused`] when it is another one.
    pub(super) fn expects(&self, found: Option<&str>) -> Result<(), Reason> {
        match (&self.uid, found) {
            (Some(expected), Some(found)) if expected != found => Err(Reason::Refused(format!(
                "this is another box (uid {}) than the one that is registered (uid {expected}); \
                 name that one with --endpoint, or register this one with --register",
                one_line(found)
            ))),
            _ => Ok(()),
        }
    }
}

/// A session, just opened.
#[derive(Debug)]
pub(crate) struct Session {
    /// What every later request carries.
    pub(crate) token: Secret,
    /// The permissions that the application does not have, sorted.
    pub(crate) missing: Vec<String>,
}

/// A request for access, waiting for somebody at the box.
#[derive(Debug)]
pub(crate) struct Request {
    /// Useless until granted.
    pub(crate) token: Secret,
    /// The number under which to ask what became of it.
    pub(crate) track_id: i64,
}

/// What became of a request for access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Nobody has pressed anything yet.
    Pending,
    /// Access is granted.
    Granted,
    /// Somebody said no at the box.
    Denied,
    /// Nobody pressed anything in time.
    TimedOut,
    /// The box does not know the token, or no longer.
    Unknown,
}

/// Opens a session.
///
/// # Errors
/// [`Reason::Refused`] with what to do, or whatever kept the box from answering.
pub(super) fn open_session(
    transport: &Transport,
    base: &str,
    app: &App,
) -> Result<Session, RequestError> {
    let path = "login/";
    let answer = get(transport, base, path, Some(app))?;
    let challenge = answer.get("challenge").and_then(text).ok_or_else(|| {
        RequestError::new(
            path,
            Reason::NotUnderstood("no challenge to log in with".to_owned()),
        )
    })?;
    let path = "login/session/";
    let body = json!({
        "app_id": app.id,
        "app_version": env!("CARGO_PKG_VERSION"),
        "password": password(app, &challenge),
    });
    let answer = post(transport, base, path, &body, Some(app))?;
    let token = answer.get("session_token").and_then(text).ok_or_else(|| {
        RequestError::new(
            path,
            Reason::NotUnderstood("no session in the answer".to_owned()),
        )
    })?;
    let token = Secret::new(token);
    if !token.is_token() {
        let words = "the session in the answer is no token".to_owned();
        return Err(RequestError::new(path, Reason::NotUnderstood(words)));
    }
    Ok(Session {
        token,
        missing: missing(&answer),
    })
}

/// The box keeps a permission it has never heard of out of the map, so only those it names and
/// denies are known to be missing.
fn missing(answer: &Json) -> Vec<String> {
    let permissions = answer.get("permissions").and_then(Json::as_object);
    let denied = permissions
        .into_iter()
        .flatten()
        .filter(|(_, granted)| flag(granted) == Some(false));
    let mut names: Vec<String> = denied.map(|(name, _)| name.clone()).collect();
    names.sort();
    names
}

/// Asks for access. Somebody has to say yes at the box then.
///
/// # Errors
/// [`Reason::Refused`] where the box does not even ask, or whatever kept it from answering.
pub(crate) fn authorize(
    transport: &Transport,
    base: &str,
    app_id: &str,
) -> Result<Request, RequestError> {
    let path = "login/authorize/";
    let host = rustix::system::uname();
    let body = json!({
        "app_id": app_id,
        "app_name": "freebox-monitor",
        "app_version": env!("CARGO_PKG_VERSION"),
        "device_name": host.nodename().to_string_lossy(),
    });
    let answer = post(transport, base, path, &body, None)?;
    let token = answer.get("app_token").and_then(text);
    let track_id = answer
        .get("track_id")
        .and_then(text)
        .and_then(|it| it.parse().ok());
    match (token, track_id) {
        (Some(token), Some(track_id)) => Ok(Request {
            token: Secret::new(token),
            track_id,
        }),
        _ => Err(RequestError::new(
            path,
            Reason::NotUnderstood("no token in the answer".to_owned()),
        )),
    }
}

/// What became of a request for access.
///
/// # Errors
/// Whatever kept the box from answering.
pub(crate) fn status(
    transport: &Transport,
    base: &str,
    track_id: i64,
) -> Result<Status, RequestError> {
    let path = format!("login/authorize/{track_id}");
    let answer = get(transport, base, &path, None)?;
    let word = answer.get("status").and_then(text).unwrap_or_default();
    match word.as_str() {
        "pending" => Ok(Status::Pending),
        "granted" => Ok(Status::Granted),
        "denied" => Ok(Status::Denied),
        "timeout" => Ok(Status::TimedOut),
        "unknown" => Ok(Status::Unknown),
        other => {
            let words = format!("the status '{}' is not known", one_line(other));
            Err(RequestError::new(path, Reason::NotUnderstood(words)))
        }
    }
}

fn get(
    transport: &Transport,
    base: &str,
    path: &str,
    app: Option<&App>,
) -> Result<Json, RequestError> {
    let answer = transport.get(&format!("{base}{path}"), None, USUAL_ANSWER);
    unwrap(answer, app).map_err(|reason| RequestError::new(path, reason))
}

fn post(
    transport: &Transport,
    base: &str,
    path: &str,
    body: &Json,
    app: Option<&App>,
) -> Result<Json, RequestError> {
    let answer = transport.post(&format!("{base}{path}"), None, body);
    unwrap(answer, app).map_err(|reason| RequestError::new(path, reason))
}

/// Takes the envelope off and turns a no into what to do about it.
fn unwrap(answer: Result<Answer, Fault>, app: Option<&App>) -> Result<Json, Reason> {
    match super::opened(answer) {
        Err(Reason::Declined(declined)) => {
            app.map_or(Ok(()), |app| app.expects(declined.uid.as_deref()))?;
            Err(refusal(declined))
        }
        other => other,
    }
}

/// What the box's reason for keeping an application out means to its user.
fn refusal(declined: Declined) -> Reason {
    let words = match declined.code.as_str() {
        "invalid_token" => {
            "the box does not know this application any more (revoked, or the credentials of \
             another box); register again with --register --force"
        }
        "pending_token" => {
            "access is asked for but not yet granted; say yes on the front panel of the box, \
             or ask again with --register --force"
        }
        "new_apps_denied" => &format!(
            "the box takes no requests of new applications; allow them in Freebox OS under \
             {ACCESS_PAGE}"
        ),
        "apps_denied" => &format!(
            "the box keeps all applications out; allow them in Freebox OS under {ACCESS_PAGE}"
        ),
        "denied_from_external_ip" => {
            "the box takes this request only from its own network, not from outside"
        }
        "ratelimited" => {
            "the box has seen too many failed log-ins from this address and waits; try later"
        }
        "apps_authorization_denied" => "access was denied at the box; ask again with --register",
        "apps_authorization_timeout" => "nobody said yes at the box; ask again with --register",
        // Nothing about access: the path is not there, or the box has troubles of its own.
        "invalid_api_version" | "invalid_request" | "internal_error" | "busy" => {
            return Reason::Declined(declined);
        }
        _ => return Reason::Refused(declined.to_string()),
    };
    Reason::Refused(words.to_owned())
}

/// The log-in's password: HMAC of the challenge under the application's token, in hex.
fn password(app: &App, challenge: &str) -> String {
    match app.hash {
        HashType::Sha1 => hex(&hmac::<Hmac<Sha1>>(&app.token, challenge)),
        HashType::Sha256 => hex(&hmac::<Hmac<Sha256>>(&app.token, challenge)),
    }
}

fn hmac<M: Mac + KeyInit>(key: &Secret, message: &str) -> Vec<u8> {
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key.reveal().as_bytes()) else {
        unreachable!("HMAC takes keys of any length");
    };
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_a_known_challenge() {
        let mut app = App {
            id: "test".to_owned(),
            token: Secret::new(
                "Zm9vYmFyLXRva2VuLXNpbXVsYXRlZC0wMDAxL2FiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6MDEyMzQ1",
            ),
            hash: HashType::Sha1,
            uid: None,
        };
        let challenge = "Qm9uam91ckZyZWVib3hTaW11bGVlMDE=";
        assert_eq!(
            password(&app, challenge),
            "94ae9c9a1482f36798a05b340351c8df978d5b43"
        );
        app.hash = HashType::Sha256;
        assert_eq!(
            password(&app, challenge),
            "de79e4c7de1cce2e6784174bb630ae605d7276d785708e2ccdd10e6fb0d5d77c"
        );
    }

    #[test]
    fn permissions_that_are_denied_are_missing() {
        let answer = json!({"permissions": {"vm": false, "calls": true, "home": false}});
        assert_eq!(missing(&answer), ["home", "vm"]);
        assert!(missing(&json!({})).is_empty());
    }
}
