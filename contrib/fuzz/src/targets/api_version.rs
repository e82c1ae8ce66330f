//! The document at `/api_version`, which anybody on the way may have written.

#[path = "../../../../src/api/address.rs"]
mod address;
#[path = "../../../../src/api/discovery.rs"]
mod discovery;
#[path = "../../../../src/api/envelope.rs"]
mod envelope;
#[path = "../../../../src/api/error.rs"]
mod error;
#[path = "../../../../src/api/permission.rs"]
mod permission;
#[path = "../../../../src/api/transport.rs"]
mod transport;

use discovery::{Endpoint, FAMILIES};
use ureq::http::Uri;

/// Where the box was found.
const ORIGIN: &str = "https://box.example:8443";

/// Whatever it says, requests go to where it was found, in the version that it names, and what is
/// left for the next run says the same there.
pub fn check(data: &[u8]) {
    let Ok(document) = envelope::parse(200, data) else {
        return;
    };
    let Some(endpoint) = Endpoint::of_recording(&document) else {
        return;
    };
    let major = endpoint.major().expect("a version");
    let path = endpoint
        .base
        .strip_prefix("recording:")
        .expect("its origin");
    assert!(path.starts_with('/'), "{path:?}");
    assert!(path.ends_with(&format!("/v{major}/")), "{path:?}");
    if let Ok(uri) = format!("{ORIGIN}{path}connection/").parse::<Uri>() {
        let place = (uri.scheme_str(), uri.host(), uri.port_u16());
        assert_eq!(place, (Some("https"), Some("box.example"), Some(8443)));
    }
    assert!(FAMILIES.iter().any(|(word, _)| *word == endpoint.family));
    let kept = serde_json::to_string(&endpoint).expect("JSON");
    assert_eq!(
        serde_json::from_str::<Endpoint>(&kept).expect("it"),
        endpoint
    );
}
