//! Asking for access: the dialogue with the person at the box.

use std::thread;
use std::time::{Duration, Instant};

use crate::api::{
    self, Client, Endpoint, Known, Limits, Reason, Search, Status, Transport, permission,
};
use crate::base::deadline::Deadline;
use crate::base::error::{Error, Exit};
use crate::base::secret::Secret;
use crate::base::stderr::{say, show, takes_turns};
use crate::cli::Settings;
use crate::sections::{SECTIONS, Section};
use crate::state::credentials::{Credentials, Granted};
use crate::tasks::{naming, target};
use crate::template;

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
    let credentials = Credentials::load_or_new(config, limits.deadline)?;
    let transport = Transport::new(&settings.target.trust, limits);
    let search = target::search(&settings.target, credentials.only_box())?;
    let endpoint = find(settings, &transport, &search)?;
    let known = credentials.of_box(endpoint.uid.as_deref(), &search.address);
    let known = known.cloned();
    if let Some(granted) = known.as_ref().filter(|_| !force) {
        if is_good(settings, granted)? {
            return already(settings, credentials, granted, &search, &endpoint);
        }
        say("The box does not accept the stored token any more; asking anew.");
    }
    // Registering again is no reason for series to begin anew.
    let api_url = known.as_ref().and_then(|it| it.api_url.clone());
    let mut entry = Entry {
        credentials: credentials.opened_for_adding(config)?,
        until_now: known,
    };
    let mut granted = Granted {
        app_id: APP_ID.to_owned(),
        app_token: Secret::new(""),
        track_id: 0,
        uid: endpoint.uid.clone(),
        endpoint: Some(search.address.to_string()),
        api_url: Some(api_url.unwrap_or_else(|| endpoint.url().to_owned())),
        name: None,
        https: endpoint.is_https(),
    };
    granted.name = Some(entry.name(settings, &granted, &endpoint)?);
    entry.credentials.must_be_writable()?;
    let request = api::authorize(&transport, &endpoint.base, APP_ID)?;
    ask_for_the_button(&search);
    wait(
        &transport,
        &endpoint.base,
        request.track_id,
        limits.deadline,
    )?;
    granted.app_token = request.token;
    granted.track_id = request.track_id;
    entry.store(&granted)?;
    say(&format!(
        "Access is granted; the token is in {}.",
        entry.credentials.path().display()
    ));
    say_name(&granted);
    let known = Known {
        endpoint,
        session: None,
    };
    open_first_session(settings, &granted, transport, search, known)
}

/// The place of a box in a file.
struct Entry {
    credentials: Credentials,
    /// What is known of that box already.
    until_now: Option<Granted>,
}

impl Entry {
    /// The name to store.
    fn name(
        &self,
        settings: &Settings,
        granted: &Granted,
        endpoint: &Endpoint,
    ) -> Result<String, Error> {
        let said = settings.target.name.as_deref().filter(|it| !it.is_empty());
        let until_now = self.until_now.as_ref();
        naming::to_store(
            &self.credentials,
            granted,
            until_now,
            said,
            &endpoint.family,
        )
    }

    fn store(&mut self, granted: &Granted) -> Result<(), Error> {
        self.credentials.store(granted, self.until_now.as_ref())
    }
}

/// Somebody who is registered already may still have another name for the box.
fn already(
    settings: &Settings,
    credentials: Credentials,
    granted: &Granted,
    search: &Search,
    endpoint: &Endpoint,
) -> Result<(), Error> {
    say(&format!(
        "{} is registered already, in {}; --force asks anew.",
        search.address,
        credentials.path().display()
    ));
    if settings.target.name.is_none() {
        return Ok(());
    }
    let mut entry = Entry {
        credentials: credentials.opened_for_adding(settings.config.as_deref())?,
        until_now: Some(granted.clone()),
    };
    let name = entry.name(settings, granted, endpoint)?;
    let renamed = Granted {
        name: Some(name),
        ..granted.clone()
    };
    entry.store(&renamed)?;
    say_name(&renamed);
    Ok(())
}

fn say_name(granted: &Granted) {
    let name = template::node(granted.name.as_deref().unwrap_or_default());
    say(&format!(
        "The box is called {name} in paths; --register --name NAME gives it another name."
    ));
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
        Err(error) if matches!(error.reason, Reason::Refused(_)) => {
            log::debug!("{error}");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// Finds the box. Whoever has not said where it is may have to.
fn find(settings: &Settings, transport: &Transport, search: &Search) -> Result<Endpoint, Error> {
    let nobody_said = settings.target.endpoint.is_none();
    api::find(transport, search).map_err(|error| match Error::from(error) {
        error if nobody_said && error.exit() == Exit::Unreachable => Error::new(
            Exit::Unreachable,
            format!("{error}; --endpoint names the box (usually 192.168.1.254)"),
        ),
        error => error,
    })
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
    let mut silent = None;
    while let Some(left) = deadline.left() {
        match api::status(transport, base, track_id) {
            Ok(Status::Pending) => silent = None,
            Ok(status) => {
                countdown.end();
                return verdict(status);
            }
            // The network may blink while somebody walks to the box. A request that had hardly any
            // time says nothing.
            Err(error) if matches!(error.reason, Reason::NoAnswer(_)) => {
                silent = silent.or((left >= PERIOD).then_some(error));
            }
            Err(error) => {
                countdown.end();
                return Err(error.into());
            }
        }
        if let Some(left) = deadline.left() {
            countdown.show(left);
            thread::sleep(PERIOD.min(left));
        }
    }
    countdown.end();
    Err(match silent {
        Some(error) => error.into(),
        None => Error::new(
            Exit::Refused,
            "nobody said yes at the box within the time given; nothing is stored; \
             run --register again, with --timeout for more time",
        ),
    })
}

/// What somebody, or nobody, said at the box.
fn verdict(status: Status) -> Result<(), Error> {
    let words = match status {
        Status::Granted => return Ok(()),
        Status::Denied => "access was denied at the box; nothing is stored",
        Status::TimedOut => {
            "nobody said yes at the box in time; nothing is stored; \
             run --register again and then go to the box"
        }
        Status::Unknown | Status::Pending => {
            "the box does not know the request any more; nothing is stored; \
             run --register again"
        }
    };
    Err(Error::new(Exit::Refused, words))
}

/// Opens a session with the new token, keeps it for the first run and says what it may not see.
fn open_first_session(
    settings: &Settings,
    granted: &Granted,
    transport: Transport,
    search: Search,
    known: Known,
) -> Result<(), Error> {
    let handover = target::handover(&settings.target, granted, &search);
    let app = target::app(&settings.target, granted);
    let client = Client::new(transport, search, app, Some(known));
    let missing = client.missing_permissions()?;
    say(&about_permissions(&missing));
    if let Some(known) = client.known() {
        // The first run can do without.
        let kept = handover.keep(&known);
        let _ = kept.inspect_err(|error| log::debug!("{error}"));
    }
    Ok(())
}

/// Which sections the permissions leave out, and where to mend that.
fn about_permissions(missing: &[String]) -> String {
    let is_missing = |it: &&str| missing.iter().any(|name| name == it);
    let left_out = |section: &Section| {
        let permission = section.permission.filter(is_missing)?;
        Some((section.name, permission))
    };
    let left_out: Vec<(&str, &str)> = SECTIONS.iter().filter_map(left_out).collect();
    permission::about_left_out(&left_out)
}

/// Shows how much time is left.
struct Countdown {
    in_place: bool,
    next: Option<u64>,
}

impl Countdown {
    fn new() -> Self {
        Countdown {
            in_place: takes_turns(),
            next: None,
        }
    }

    fn show(&mut self, left: Duration) {
        let seconds = left.as_secs() + 1;
        if self.in_place {
            show(&format!("  {seconds:>4} s left "));
        } else if self.next.is_none_or(|next| seconds <= next) {
            say(&format!("  {seconds} s left"));
            self.next = Some(seconds.saturating_sub(REMINDER));
        }
    }

    fn end(&self) {
        if self.in_place {
            show("");
        }
    }
}
