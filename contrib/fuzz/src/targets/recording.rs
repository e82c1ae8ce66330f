//! A file that stands in for a box.

use std::collections::BTreeSet;

use crate::api::{Client, Recording};
use crate::given::{collected, file, log_everything, patience, texts};
use crate::template::RunLabels;
use crate::text;

const NAME: &str = "recording";

/// What is taken for one is the same after it was written again, and gives well-formed lines.
pub fn check(data: &[u8]) {
    log_everything();
    let path = file(NAME, data);
    let recording = match Recording::load(&path, patience()) {
        Ok(recording) => recording,
        Err(error) => return text::words(&error.to_string()),
    };
    let written = recording.to_text().expect("JSON");
    let path = file(NAME, written.as_bytes());
    let again = Recording::load(&path, patience()).expect("what was written");
    assert_eq!(again.to_text().expect("JSON"), written);
    let client = Client::replay(recording);
    let endpoint = client.endpoint().expect("a recorded box");
    let run: RunLabels = vec![
        ("name", endpoint.family),
        ("uid", endpoint.uid.unwrap_or_default()),
        ("api_version", endpoint.api_version),
        ("box_model", endpoint.model.unwrap_or_default()),
    ];
    let collected = collected(&client);
    collected.tell_failures(&BTreeSet::new());
    texts(&collected.samples, &run);
}
