//! Which form the text of a run has, and for Graphite which template it uses and where that is.

use std::path::PathBuf;

use directories::BaseDirs;

use crate::base::deadline::Deadline;
use crate::base::error::{Error, one_line};
use crate::base::files;
use crate::cli::{Settings, TemplateChoice};
use crate::encode::{Form, Format};
use crate::sections;
use crate::template::{SHIPPED, Template};

const SYSTEM_FILE: &str = "/etc/freebox-monitor/template";

/// The form of the text of a run, with all that it needs.
///
/// # Errors
/// When it needs a template that cannot be read or cannot work.
pub(crate) fn form(settings: &Settings, deadline: Deadline) -> Result<Form, Error> {
    Ok(match settings.format {
        Format::Graphite => Form::Graphite(checked(settings.template.as_ref(), deadline)?.1),
        Format::Influxdb => Form::Influxdb {
            has_time: settings.influx_timestamp,
        },
        Format::Prometheus => Form::Prometheus,
    })
}

/// The template that a run would use, read once and checked, and what to call it.
///
/// # Errors
/// When it cannot be read or cannot work.
pub(crate) fn checked(
    choice: Option<&TemplateChoice>,
    deadline: Deadline,
) -> Result<(String, Template), Error> {
    let (name, text) = text(choice, deadline)?;
    let metrics: Vec<_> = sections::metrics().collect();
    let refused = |refusal| Error::misuse(format!("template {name}: {refusal}"));
    let template = Template::read(&text, &metrics).map_err(refused)?;
    for warning in &template.warnings {
        log::warn!("template {name}: {warning}");
    }
    Ok((name, template))
}

/// The text of the template that a run would use, and what to call it: the one that `--template`
/// names, or the first of the usual files that exists, or the built-in one.
///
/// # Errors
/// When its file cannot be read.
pub(crate) fn text(
    choice: Option<&TemplateChoice>,
    deadline: Deadline,
) -> Result<(String, String), Error> {
    let file = match choice {
        Some(TemplateChoice::Shipped(name, text)) => {
            return Ok(((*name).to_owned(), (*text).to_owned()));
        }
        Some(TemplateChoice::File(path)) => Some(path.clone()),
        None => usual_files().into_iter().find(|path| files::is_there(path)),
    };
    let Some(path) = file else {
        let [(name, text), ..] = SHIPPED;
        return Ok((name.to_owned(), text.to_owned()));
    };
    let name = one_line(&path.display().to_string());
    let content = files::read(&path, deadline).map_err(|error| match files::is_missing(&path) {
        true => {
            let shipped = SHIPPED.map(|(name, _)| name).join(", ");
            Error::misuse(format!("{error}; the shipped ones are {shipped}"))
        }
        false => error,
    })?;
    let text = String::from_utf8(content);
    text.map_err(|error| not_utf8(&name, error.as_bytes(), error.utf8_error().valid_up_to()))
        .map(|text| (name, text))
}

/// Says where the first byte is that is no text.
fn not_utf8(name: &str, bytes: &[u8], good: usize) -> Error {
    let good = String::from_utf8_lossy(&bytes[..good]);
    let line = good.matches('\n').count() + 1;
    let column = good.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let words = format!("template {name}: line {line}, column {column}: this is not UTF-8");
    Error::misuse(words)
}

fn usual_files() -> Vec<PathBuf> {
    let user = BaseDirs::new().map(|it| it.config_dir().join("freebox-monitor/template"));
    user.into_iter()
        .chain([PathBuf::from(SYSTEM_FILE)])
        .collect()
}
