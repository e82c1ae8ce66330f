//! Certificates: which are taken, and what is said of the others.

use std::fs;

use libtest_mimic::Trial;

use crate::monitor::Monitor;
use crate::session::known_app;
use crate::simulated_freebox::{Certificate, Options, SimulatedFreebox};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        bad_certificates_are_refused_each_in_its_words,
        without_verification_any_certificate_will_do,
        the_built_in_roots_do_not_know_a_foreign_authority,
        a_bundle_without_certificates_is_refused,
        nothing_secret_is_sent_to_a_box_with_a_bad_certificate,
    ]
}

fn with_certificate(certificate: Certificate) -> SimulatedFreebox {
    SimulatedFreebox::start(Options {
        apps: vec![known_app()],
        https: Some(certificate),
        ..Options::default()
    })
}

const BAD: [(Certificate, &str); 5] = [
    (Certificate::Expired, "its certificate has expired"),
    (
        Certificate::NotYetValid,
        "not valid yet; is the clock of this machine right?",
    ),
    (
        Certificate::WrongHost,
        "its certificate is for another host name",
    ),
    (Certificate::ForeignCa, "with any intermediate certificate"),
    (Certificate::SelfSigned, "its certificate is not"),
];

fn bad_certificates_are_refused_each_in_its_words() {
    for (certificate, words) in BAD {
        let at = with_certificate(certificate);
        Monitor::registered(&at).run(&[]).failed(4, words);
    }
}

fn without_verification_any_certificate_will_do() {
    for (certificate, _) in BAD {
        let at = with_certificate(certificate);
        let run = Monitor::registered(&at).run(&["--ssl-no-verify"]);
        assert_eq!(run.is_fine().value("connection.state"), "1");
    }
}

fn the_built_in_roots_do_not_know_a_foreign_authority() {
    let at = with_certificate(Certificate::Good);
    let monitor = Monitor::registered(&at);
    let mut command = monitor.command(&[]);
    // The options of the user, without the bundle.
    let endpoint = format!("https://localhost:{}", at.https_port());
    let bare = Monitor::new();
    fs::copy(
        monitor.credentials(),
        bare.write(".config/freebox-monitor/credentials.json", ""),
    )
    .unwrap();
    bare.run(&["--endpoint", &endpoint])
        .failed(4, "is not from an authority that is trusted here");
    assert!(
        command
            .output()
            .expect("the program starts")
            .status
            .success()
    );
}

fn a_bundle_without_certificates_is_refused() {
    let monitor = Monitor::new();
    let path = monitor.write(
        "bundle.pem",
        "-----BEGIN NOTHING-----\n-----END NOTHING-----\n",
    );
    let run = monitor.run(&["--ssl-ca-bundle-file", path.to_str().unwrap()]);
    run.failed(1, "no certificate in it");
}

fn nothing_secret_is_sent_to_a_box_with_a_bad_certificate() {
    for (certificate, _) in BAD {
        let at = with_certificate(certificate);
        Monitor::registered(&at).run(&[]);
        let requests = at.requests();
        assert!(
            requests.iter().all(|it| it.path == "/api_version"),
            "{requests:?}"
        );
    }
}
