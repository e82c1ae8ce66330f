//! Templates from the outside: what is refused with which words, what is printed.

use std::fs;

use libtest_mimic::Trial;

use crate::monitor::{Monitor, project_file};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        a_broken_template_is_one_line_with_its_place,
        a_template_that_is_not_utf_8_is_refused_with_its_place,
        a_rule_for_nothing_is_a_warning,
        the_printed_template_is_the_one_in_use,
        checking_prints_every_path,
        the_usual_places_are_looked_at,
        a_changed_template_changes_the_paths,
        labels_alone_name_every_entity,
        a_rule_that_names_what_never_changes_has_it,
        printed_templates_fit_a_terminal,
        the_help_names_every_shipped_template,
    ]
}

fn a_broken_template_is_one_line_with_its_place() {
    let long = format!("** a.{}.{{default}}", "x".repeat(252));
    let cases = [
        (
            "** {nothing}.{default}",
            "line 1, column 4: unknown placeholder {nothing}; valid here are",
        ),
        (
            "\n** {direction}.{default}",
            "line 2, column 4: connection.state has no {direction}",
        ),
        (
            "connection.xdsl.*.* a.{metric}",
            "connection.xdsl.up.bitrate and connection.xdsl.down.bitrate",
        ),
        (
            "connection.state a\nconnection.r* a.{metric}",
            "cannot be a folder",
        ),
        (
            "** a..{default}",
            "line 1, column 4: the path of connection.state has an empty node",
        ),
        (
            "** a/{default}",
            "line 1, column 5: '/' cannot stand in a path",
        ),
        (&long, "a node of 252 bytes"),
        (
            "connection.state",
            "line 1, column 17: the rule has no path",
        ),
        ("** {default", "line 1, column 4: this brace is not closed"),
        (
            "a = {b}\nb = {a}\n** {a}",
            "line 2, column 5: a stands for itself",
        ),
        ("a = 1\na = 2\n** {a}", "line 2, column 1: a is set twice"),
        (
            "**.state a.{metric}",
            "line 1, column 1: ** stands for whole nodes and only at the end",
        ),
        (
            "conn{x} a",
            "line 1, column 5: '{' cannot stand in the name of a metric",
        ),
        (
            "metric = a\n** {metric}",
            "{metric} has a meaning of its own",
        ),
        (
            "** {default} b",
            "line 1, column 14: nothing more is expected",
        ),
        ("** {default};a", "a tag is written ;key=value"),
    ];
    let monitor = Monitor::new();
    for (text, words) in cases {
        let path = monitor.write("broken.template", text);
        let path = path.to_str().unwrap();
        for task in [
            &["--template", path][..],
            &["--template", path, "--check-template"],
        ] {
            let run = monitor.run(task);
            run.failed(1, words);
            assert!(
                run.stderr.contains(&format!("template {path}: line ")),
                "{}",
                run.stderr
            );
        }
    }
}

fn a_template_that_is_not_utf_8_is_refused_with_its_place() {
    let monitor = Monitor::new();
    let path = monitor.write("latin1.template", "");
    std::fs::write(&path, b"# a comment\n# caf\xe9\n** {default}\n").unwrap();
    let run = monitor.run(&["--template", path.to_str().unwrap()]);
    run.failed(1, "line 2, column 6: this is not UTF-8");
}

fn a_rule_for_nothing_is_a_warning() {
    let monitor = Monitor::new();
    let path = monitor.write(
        "my.template",
        "nothing.* a.{metric}\n** {prefix}.{default}\n",
    );
    let recording = project_file("tests/boxes/ultra.json");
    let options = [
        "--template",
        path.to_str().unwrap(),
        "--replay",
        recording.to_str().unwrap(),
    ];
    let run = monitor.run(&options);
    run.complained(0, "warning: template ");
    run.complained(0, "line 1, column 1: nothing is left for this rule");
    assert_eq!(run.value("freebox.connection.state"), "1");
}

fn the_printed_template_is_the_one_in_use() {
    let monitor = Monitor::new();
    let built_in = monitor.run(&["--print-template"]);
    built_in.is_fine();
    assert!(
        built_in.stdout.contains("{prefix}.{host}.{default}"),
        "{}",
        built_in.stdout
    );
    let path = monitor.write("my.template", &built_in.stdout);
    let same = monitor.run(&["--template", path.to_str().unwrap(), "--check-template"]);
    assert_eq!(
        same.is_fine().stdout,
        monitor.run(&["--check-template"]).stdout
    );
    let flat = monitor.run(&["--template", "flat", "--print-template"]);
    assert!(
        flat.is_fine().stdout.contains("{prefix}.{field}"),
        "{}",
        flat.stdout
    );
}

fn checking_prints_every_path() {
    let monitor = Monitor::new();
    let path = monitor.write("my.template", "connection.r* -\n** x.{default}\n");
    let run = monitor.run(&["--template", path.to_str().unwrap(), "--check-template"]);
    run.is_fine();
    let rows: Vec<Vec<&str>> = run
        .stdout
        .lines()
        .map(|row| row.split_whitespace().collect())
        .collect();
    assert!(
        rows.contains(&vec!["connection.rate_up", "-"]),
        "{}",
        run.stdout
    );
    assert!(
        rows.contains(&vec!["connection.state", "x.connection.state"]),
        "{}",
        run.stdout
    );
}

fn the_usual_places_are_looked_at() {
    let monitor = Monitor::new();
    monitor.write(".config/freebox-monitor/template", "** mine.{default}\n");
    let recording = project_file("tests/boxes/ultra.json");
    let run = monitor.run(&["--replay", recording.to_str().unwrap()]);
    assert_eq!(run.is_fine().value("mine.connection.state"), "1");
}

fn a_changed_template_changes_the_paths() {
    let monitor = Monitor::new();
    let text = "prefix = servers.box\nconnection.xdsl.*.* {prefix}.{host}.{direction}.{metric}\n\
                connection.state {prefix}.{uid}.{media}.{metric} # here\n** -\n";
    let path = monitor.write("my.template", text);
    let recording = project_file("tests/boxes/revolution-xdsl.json");
    let (path, recording) = (path.to_str().unwrap(), recording.to_str().unwrap());
    let run = monitor.run(&["-t", path, "--name", "Été à la mer", "--replay", recording]);
    run.is_fine();
    assert_eq!(run.value("servers.box.ete_a_la_mer.down.snr"), "6.3");
    assert_eq!(
        run.value("servers.box.ffeeddccbbaa99887766554433221100.xdsl.state"),
        "1"
    );
    assert_eq!(run.stdout.lines().count(), 31, "{}", run.stdout);
}

fn labels_alone_name_every_entity() {
    let monitor = Monitor::new();
    let text = "lan.host.* host.{label}.{metric}\nwifi.station.* station.{label}.{metric}\n\
                switch.port.client.* client.{label}.{metric}\nswitch.port.* port.{label}.{metric}\n\
                dhcp.lease.* lease.{label}.{metric}\nstorage.partition.* part.{label}.{metric}\n\
                system.sensor.* sensor.{label}.{metric}\nlte.band.* band.{label}.{metric}\n** -\n";
    let path = monitor.write("my.template", text);
    let recording = project_file("tests/boxes/ultra.json");
    let (path, recording) = (path.to_str().unwrap(), recording.to_str().unwrap());
    let options = ["-A", "-t", path, "--host-age=all", "--replay", recording];
    let run = monitor.run(&options);
    run.is_fine();
    for (path, value) in [
        ("host.nas_0010.ethernet_speed", "2500000000"),
        ("host.wifiguest_invite_0015.active", "1"),
        ("station.telephone_d_anais_0011.signal", "-42"),
        ("station.0016.signal", "-73"),
        ("port.ethernet_1_1.link", "1"),
        ("port.sfp_lan.link", "0"),
        ("lease.nas_0010.static", "1"),
        ("band.backup_20.rsrp", "-101"),
    ] {
        assert_eq!(run.value(path), value, "{path}");
    }
    // As many as with the keys.
    let keyed = text.lines().map(|line| match line.split_once(' ') {
        Some((glob, path)) if path != "-" => format!("{glob} {{default}}\n"),
        _ => format!("{line}\n"),
    });
    let path = monitor.write("keyed.template", &keyed.collect::<String>());
    let path = path.to_str().unwrap();
    let keyed = monitor.run(&["-A", "-t", path, "--host-age=all", "--replay", recording]);
    let lines = |text: &str| text.lines().count();
    assert_eq!(lines(&run.stdout), lines(&keyed.is_fine().stdout));
}

fn a_rule_that_names_what_never_changes_has_it() {
    let monitor = Monitor::new();
    let text = "system.model.* m.{metric}\nlte.** {default}\n** -\n";
    let path = monitor.write("my.template", text);
    let recording = project_file("tests/boxes/ultra.json");
    let (path, recording) = (path.to_str().unwrap(), recording.to_str().unwrap());
    let run = monitor.run(&["-A", "-t", path, "--replay", recording]);
    assert_eq!(run.is_fine().value("m.has_dect"), "1");
    assert!(!run.stdout.contains("radio_plmn"), "{}", run.stdout);
    let checked = monitor.run(&["-t", path, "--check-template"]);
    let rows: Vec<Vec<&str>> = checked
        .stdout
        .lines()
        .map(|it| it.split_whitespace().collect())
        .collect();
    assert!(
        rows.contains(&vec!["lte.radio_plmn", "-"]),
        "{}",
        checked.stdout
    );
    assert!(
        rows.contains(&vec!["connection.wan_ipv4", "-"]),
        "{}",
        checked.stdout
    );
}

fn printed_templates_fit_a_terminal() {
    for name in shipped() {
        let name = name.as_str();
        let printed = Monitor::new().run(&["-t", name, "--print-template"]);
        let lines = printed.is_fine().stdout.lines();
        let longest = lines.map(|line| line.chars().count()).max();
        assert!(longest <= Some(80), "{name}: {longest:?}");
        assert!(printed.stdout.contains("{label}") || name == "tagged");
    }
}

/// The templates that come with the program.
fn shipped() -> Vec<String> {
    let files = fs::read_dir(project_file("src/template")).expect("the folder");
    let names = files.map(|file| file.expect("an entry").file_name());
    let names = names.filter_map(|it| Some(it.to_str()?.strip_suffix(".template")?.to_owned()));
    names.collect()
}

fn the_help_names_every_shipped_template() {
    let help = Monitor::new().run(&["--help"]).stdout;
    let start = help.find("--template FILE").expect("the option");
    let end = help.find("--print-template").expect("the next one");
    let names = shipped();
    assert!(names.len() > 1, "{names:?}");
    for name in names {
        assert!(help[start..end].contains(&name), "{name}: {help}");
    }
}
