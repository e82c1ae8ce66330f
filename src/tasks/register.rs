//! Asking for access: the dialogue with the person at the box.

use std::io::{self, IsTerminal};
use std::thread;
use std::time::{Duration, Instant};

use crate::api::{self, Client, Kind, Known, Limits, PERMISSIONS_PAGE, Search, Status, Transport};
use crate::base::deadline::Deadline;
use crate::base::error::{Error, Exit};
use crate::base::files;
use crate::base::stderr::{say, write as write_stderr};
use crate::cli::Settings;
use crate::sections::SECTIONS;
use crate::state::credentials::{Credentials, Granted};
use crate::state::session::Remembered;
use crate::tasks::target;

/// How this program is known to a box.
const APP_ID: &str = "fr.freebox.freebox-monitor";
/// How long to wait for somebody to walk to the box, unless `--timeout` says.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often to ask. The box drops a request that nobody asks about.
const PERIOD: Duration = Duration::from_secs(1);
/// How often to say how much time is left where that cannot be shown in place.
const REMINDER: u64 = 30;
/// How long one request may take.
const LONGEST_REQUEST: Duration = Duration::from_secs(10);

/// Asks for access and stores the token once it is granted.
///
/// # Errors
/// Whatever came in between; nothing is stored then.
pub(crate) fn register(settings: &Settings, force: bool) -> Result<(), Error> {
    let limits = limits(settings);
    let config = settings.config.as_deref();
    let mut credentials = Credentials::load_or_new(config, limits.deadline)?;
    let transport = Transport::new(&settings.target.trust, limits);
    let search = target::search(&settings.target, None)?;
    let endpoint = api::find(&transport, &search)?;
    let known = credentials.of_box(endpoint.uid.as_deref(), &search.address);
    if let Some(granted) = known.filter(|_| !force) {
        if is_good(settings, granted)? {
            say(&format!(
                "{} is registered already, in {}; --force asks anew.",
                search.address,
                credentials.path().display()
            ));
            return Ok(());
        }
        credentials.must_be_own()?;
        say("The box does not accept the stored token any more; asking anew.");
    }
    credentials.must_be_own()?;
    files::must_be_writable(credentials.path())?;
    let request = api::authorize(&transport, &endpoint.base, APP_ID)?;
    ask_for_the_button(&search);
    wait(
        &transport,
        &endpoint.base,
        request.track_id,
        limits.deadline,
    )?;
    let granted = Granted {
        app_id: APP_ID.to_owned(),
        app_token: request.token,
        track_id: request.track_id,
        uid: endpoint.uid.clone(),
        endpoint: Some(search.address.to_string()),
        name: settings.target.name.clone(),
        https: endpoint.is_https(),
    };
    credentials.store(granted.clone())?;
    say(&format!(
        "Access is granted; the token is in {}.",
        credentials.path().display()
    ));
    let known = Known {
        endpoint,
        session: None,
    };
    open_first_session(settings, &granted, transport, search, known)
}

/// Says whether access is granted: one line for stdout.
///
/// # Errors
/// When it is not, or the box cannot be asked.
pub(crate) fn status(settings: &Settings) -> Result<String, Error> {
    let target = &settings.target;
    let limits = limits(settings);
    let config = settings.config.as_deref();
    let (granted, search) = target::registered(target, config, limits.deadline)?;
    let transport = Transport::new(&target.trust, limits);
    let address = search.address.to_string();
    let client = Client::new(transport, search, target::app(target, &granted), None);
    let missing = client.missing_permissions()?;
    Ok(format!(
        "{address}: granted; {}\n",
        about_permissions(&missing)
    ))
}

fn limits(settings: &Settings) -> Limits {
    let patience = settings.timeout.unwrap_or(PATIENCE);
    Limits {
        deadline: Deadline::after(Instant::now(), patience),
        request: LONGEST_REQUEST.min(patience),
    }
}

/// Whether a session can be opened with what is stored.
fn is_good(settings: &Settings, granted: &Granted) -> Result<bool, Error> {
    let transport = Transport::new(&settings.target.trust, limits(settings));
    let search = target::search(&settings.target, Some(granted))?;
    let client = Client::new(
        transport,
        search,
        target::app(&settings.target, granted),
        None,
    );
    match client.missing_permissions() {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind, Kind::Refused(_)) => {
            log::debug!("{error}");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

fn ask_for_the_button(search: &Search) {
    say(&format!(
        "freebox-monitor asks the box at {} for access.",
        search.address
    ));
    say("Go to its front panel, which shows the request, and say yes:");
    say("  Révolution, Mini 4K: the right arrow or the tick");
    say("  Pop, Delta, Ultra:   the tick on the touch panel");
}

/// Polls until somebody has answered at the box.
fn wait(transport: &Transport, base: &str, track_id: i64, deadline: Deadline) -> Result<(), Error> {
    let mut countdown = Countdown::new();
    let refused = |words: &str| Err(Error::new(Exit::Refused, words));
    loop {
        let silent = match api::status(transport, base, track_id) {
            Ok(Status::Pending) => None,
            Ok(status) => {
                countdown.end();
                return match status {
                    Status::Granted => Ok(()),
                    Status::Denied => refused("access was denied at the box; nothing is stored"),
                    Status::TimedOut => refused(
                        "nobody said yes at the box in time; nothing is stored; \
                         run --register again and then go to the box",
                    ),
                    Status::Unknown | Status::Pending => refused(
                        "the box does not know the request any more; nothing is stored; \
                         run --register again",
                    ),
                };
            }
            // The network may blink while somebody walks to the box.
            Err(error) if matches!(error.kind, Kind::NoAnswer(_)) => deadline.left().map(|_| error),
            Err(error) => {
                countdown.end();
                return Err(error.into());
            }
        };
        let Some(left) = deadline.left() else {
            countdown.end();
            if let Some(error) = silent {
                return Err(error.into());
            }
            return refused(
                "nobody said yes at the box within the time given; nothing is stored; \
                 run --register again, with --timeout for more time",
            );
        };
        countdown.show(left);
        thread::sleep(PERIOD.min(left));
    }
}

/// Opens a session with the new token, keeps it for the first run and says what it may not see.
fn open_first_session(
    settings: &Settings,
    granted: &Granted,
    transport: Transport,
    search: Search,
    known: Known,
) -> Result<(), Error> {
    let cache = target::cache(&settings.target, granted, &search);
    let app = target::app(&settings.target, granted);
    let client = Client::new(transport, search, app, Some(known));
    let missing = client.missing_permissions()?;
    say(&about_permissions(&missing));
    cache.keep(&Remembered {
        known: client.known(),
        told: Vec::new(),
    });
    Ok(())
}

/// Which sections the permissions leave out, and where to mend that.
fn about_permissions(missing: &[String]) -> String {
    let is_missing = |it: &str| missing.iter().any(|name| name == it);
    let left_out: Vec<String> = SECTIONS
        .iter()
        .filter_map(|section| {
            Some((
                section.name,
                section.permission.filter(|it| is_missing(it))?,
            ))
        })
        .map(|(section, permission)| format!("{section} (permission '{permission}')"))
        .collect();
    match left_out.is_empty() {
        true => "the permissions are enough for every section".to_owned(),
        false => format!(
            "left out for want of permissions: {}; tick them in Freebox OS under {PERMISSIONS_PAGE}",
            left_out.join(", ")
        ),
    }
}

/// Shows how much time is left.
struct Countdown {
    in_place: bool,
    next: Option<u64>,
}

impl Countdown {
    fn new() -> Self {
        Countdown {
            in_place: io::stderr().is_terminal(),
            next: None,
        }
    }

    fn show(&mut self, left: Duration) {
        let seconds = left.as_secs() + 1;
        if self.in_place {
            write_stderr(&format!("\r  {seconds:>4} s left "));
        } else if self.next.is_none_or(|next| seconds <= next) {
            say(&format!("  {seconds} s left"));
            self.next = Some(seconds.saturating_sub(REMINDER));
        }
    }

    fn end(&self) {
        if self.in_place {
            write_stderr("\r               \r");
        }
    }
}
