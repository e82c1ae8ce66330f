//! A line of carbon's plain protocol, read again: `path value timestamp`.

/// A line that carbon takes as one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Line<'a> {
    /// All of it, with its end.
    pub(super) text: &'a str,
    /// Its path, with tags behind it where it has some.
    pub(super) path: &'a str,
    /// Its number, which is finite.
    pub(super) value: f64,
    /// In seconds since 1970.
    pub(super) time: u64,
}

impl<'a> Line<'a> {
    /// `None` for what carbon would not take: it wants three fields of ASCII, a number, a time.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let fields: Vec<&str> = text.trim_end_matches('\n').split(' ').collect();
        let [path, value, time] = fields.as_slice() else {
            return None;
        };
        let is_plain =
            |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_graphic());
        let is_time = time.len() <= 10 && time.bytes().all(|it| it.is_ascii_digit());
        let number = value.parse().ok().filter(|it: &f64| it.is_finite());
        (is_plain(path) && is_plain(value) && is_time).then_some(())?;
        Some(Line {
            text,
            path,
            value: number?,
            time: time.parse().ok()?,
        })
    }
}

/// The lines of a text, without what is none.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.split_inclusive('\n').filter_map(Line::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_carbon_takes() {
        let line = Line::of("a.b;c=d -1.5e3 17\n").expect("a line");
        assert_eq!((line.path, line.value, line.time), ("a.b;c=d", -1500.0, 17));
        assert_eq!(line.text, "a.b;c=d -1.5e3 17\n");
        let strange = [
            "",
            "\n",
            "a 1\n",
            "a  17\n",
            "a 1 \n",
            " 1 17\n",
            "a 1 17 5\n",
            "a nan 17\n",
            "a inf 17\n",
            "a x 17\n",
            "a 1 -17\n",
            "a 1 1e9\n",
            "a 1 99999999999\n",
            "é 1 17\n",
            "a\t1\t17\n",
            "a 1 17\r\n",
        ];
        for text in strange {
            assert_eq!(Line::of(text), None, "{text:?}");
        }
        let times: Vec<u64> = lines("a 1 5\nb nan 6\nc 1 7").map(|it| it.time).collect();
        assert_eq!(times, [5, 7]);
    }
}
