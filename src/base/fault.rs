//! A fault of the program itself. Nothing from outside may bring one about; should there be one all
//! the same, it is one line and an exit code of its own, and no half-finished work goes on.

use std::any::Any;
use std::panic::{self, PanicHookInfo};
use std::process;

use crate::base::error::Exit;
use crate::base::stderr;

/// From here on, a fault ends the program with a line that asks for a report.
pub(crate) fn ends_the_program() {
    panic::set_hook(Box::new(|fault: &PanicHookInfo| {
        let place = fault.location().map(ToString::to_string);
        stderr::say(&in_words(fault.payload(), place.as_deref()));
        process::exit(Exit::Fault as i32);
    }));
}

/// Words that were put together at run time may hold anything, a token as well: only those that
/// stand in the source are shown.
fn in_words(fault: &(dyn Any + Send), place: Option<&str>) -> String {
    let place = place.unwrap_or("an unknown place");
    let what = fault.downcast_ref::<&'static str>();
    let what = what.map_or(String::new(), |what| format!(" ({what})"));
    format!(
        "freebox-monitor: a fault of the program itself, version {}, at {place}{what}; please report \
         this line and what was asked for",
        env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::process::Command;

    use super::*;

    /// Run by the test below in a process of its own.
    #[test]
    #[ignore = "it ends the process"]
    fn fall_over() {
        ends_the_program();
        let token = String::from("S3cret");
        assert!(token.is_empty(), "{token}");
    }

    #[test]
    fn a_fault_is_one_line_without_what_it_is_about_and_code_70() {
        let mut command = Command::new(env::current_exe().expect("this program"));
        let name = "base::fault::tests::fall_over";
        let arguments = ["--exact", name, "--ignored", "--nocapture", "-q"];
        let output = command.args(arguments).output().expect("its end");
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(70), "{words}");
        assert_eq!(words.lines().count(), 1, "{words}");
        assert!(words.contains("src/base/fault.rs:"), "{words}");
        assert!(!words.contains("S3cret"), "{words}");
    }

    #[test]
    fn words_of_the_source_are_shown() {
        let words = in_words(&"never so", Some("a.rs:1:2"));
        assert!(words.contains(" at a.rs:1:2 (never so); "), "{words}");
    }
}
