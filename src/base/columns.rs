//! Words under words: laying text out for a terminal.

/// The width that every terminal has.
pub(crate) const WIDTH: usize = 80;

/// A name, and words beside it from column `indent` on that hang there over as many lines as they
/// need. A name that reaches that far has a line of its own. Counts characters, each as one
/// column.
pub(crate) fn hanging(name: &str, indent: usize, words: &str, width: usize) -> String {
    let mut text = String::new();
    let mut line = name.to_owned();
    let length = |text: &str| text.chars().count();
    if length(name) + 2 > indent && !name.is_empty() {
        text.push_str(name);
        text.push('\n');
        line.clear();
    }
    let mut is_empty = true;
    for word in words.split_whitespace() {
        if !is_empty && length(&line) + 1 + length(word) > width {
            text.push_str(&line);
            text.push('\n');
            line.clear();
            is_empty = true;
        }
        if is_empty {
            line.extend(std::iter::repeat_n(
                ' ',
                indent.saturating_sub(length(&line)),
            ));
        } else {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    text.push_str(line.trim_end());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::hanging;

    #[test]
    fn words_hang_beside_their_name() {
        assert_eq!(
            hanging("-a", 5, "one two three", 13),
            "-a   one two\n     three\n"
        );
        assert_eq!(hanging("--long", 5, "one", 13), "--long\n     one\n");
        assert_eq!(hanging("", 2, "one", 13), "  one\n");
        assert_eq!(
            hanging("-a", 5, "unbreakable-word x", 10),
            "-a   unbreakable-word\n     x\n"
        );
        assert_eq!(hanging("-a", 5, "", 10), "-a\n");
    }
}
