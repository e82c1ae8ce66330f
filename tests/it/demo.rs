//! What `contrib/demo` shows: from a build to a page with pictures, and nothing left behind.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;

use crate::archive::target;
use crate::monitor::{PROGRAM, project_file};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![the_demo_writes_a_page_and_leaves_nothing_behind]
}

fn the_demo_writes_a_page_and_leaves_nothing_behind() {
    let home = tempfile::tempdir().expect("a folder");
    let before = sources();
    let mut command = Command::new(project_file("contrib/demo/run"));
    command.args(["--once", "--profile", profile()]);
    // Rust stays where it is, when it is looked for in the home.
    for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        let usual = || Some(PathBuf::from(std::env::var_os("HOME")?).join(folder));
        if let Some(place) = std::env::var_os(name).map(PathBuf::from).or_else(usual) {
            command.env(name, place);
        }
    }
    command.env("HOME", home.path()).env("TMPDIR", home.path());
    command.env("CARGO_TARGET_DIR", target());
    // What cargo tells its tests, it would tell the build scripts of the demo as well, which then
    // want to run anew.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" {
            command.env_remove(name);
        }
    }
    let under_test = || fs::metadata(PROGRAM).expect("the program").ino();
    let program = under_test();
    let output = command.output().expect("the demo");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}{errors}");
    assert_eq!(errors, "");
    assert_eq!(under_test(), program, "other cases are using it");

    let page = target().join("demo/index.html");
    assert!(
        said.contains(&format!("file://{}", page.display())),
        "{said}"
    );
    let text = fs::read_to_string(&page).expect("the page");
    let pictures: Vec<_> = text.split("<img src=\"").skip(1).collect();
    assert!(pictures.len() >= 8, "{text}");
    for picture in pictures {
        let name = picture.split(['?', '"']).next().expect("a name");
        let bytes = fs::read(page.with_file_name(name)).expect(name);
        // An empty graph has some 4 kB.
        assert!(bytes.starts_with(b"\x89PNG"), "{name}");
        assert!(bytes.len() > 5_000, "{name}: {} bytes", bytes.len());
    }

    let folder = target().join("demo");
    assert_eq!(running(&folder), Vec::<String>::new());
    let left: Vec<_> = fs::read_dir(home.path()).expect("the home").collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(sources(), before);
}

fn profile() -> &'static str {
    match Path::new(PROGRAM).parent() {
        Some(folder) if folder.ends_with("release") => "release",
        _ => "debug",
    }
}

/// The processes that have something below this folder in their command line.
fn running(folder: &Path) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("/proc");
    let lines = processes.filter_map(|it| fs::read(it.ok()?.path().join("cmdline")).ok());
    let lines = lines.map(|it| String::from_utf8_lossy(&it).replace('\0', " "));
    let folder = format!("{}/", folder.display());
    lines.filter(|line| line.contains(&folder)).collect()
}

/// What lies about in the folders of the project that the demo has to do with.
fn sources() -> BTreeSet<PathBuf> {
    let folders = [
        "contrib",
        "contrib/demo",
        "sexigraf",
        "tests/it/support/graphite",
    ];
    let entries = folders
        .iter()
        .flat_map(|it| fs::read_dir(project_file(it)).expect("a folder"));
    entries.map(|it| it.expect("an entry").path()).collect()
}
