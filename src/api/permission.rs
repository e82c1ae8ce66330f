//! What is said about permissions: which is missing, and where its user gives it.

/// Where the box's own pages have what concerns applications, in their words.
pub(crate) const ACCESS_PAGE: &str = "Paramètres de la Freebox > Gestion des accès";

/// What stands for a permission that the box does not name.
pub(super) const UNNAMED: &str = "unknown";

/// What is wrong where an application lacks this permission.
pub(crate) fn is_missing(permission: &str) -> String {
    match permission {
        UNNAMED => "a permission is missing that the box does not name".to_owned(),
        _ => format!("the permission '{permission}' is missing"),
    }
}

/// What to do about it.
pub(crate) fn how_to_give() -> String {
    tick("it")
}

fn tick(what: &str) -> String {
    format!("tick {what} in Freebox OS under {ACCESS_PAGE} > Applications")
}

/// Both for sections that go without: each by name, with the permission that it lacks.
pub(crate) fn about_left_out(sections: &[(&str, &str)]) -> String {
    let each =
        |(section, permission): &(&str, &str)| format!("{section} (permission '{permission}')");
    let names: Vec<String> = sections.iter().map(each).collect();
    match names.is_empty() {
        true => "the permissions are enough for every section".to_owned(),
        false => format!(
            "left out for want of permissions: {}; {}",
            names.join(", "),
            tick("them")
        ),
    }
}
