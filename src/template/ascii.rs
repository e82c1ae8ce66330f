//! Text in ASCII letters. Accents go, Latin letters that are more than a letter with an accent are
//! spelled out, Greek and Cyrillic are written as they are read. Of other scripts nothing is left
//! but a `_`: a table for those alone would be a fifth of the program.

use unicode_normalization::char::{decompose_canonical, is_combining_mark};

/// Small letters that do not come apart, in the order of their code points.
const LETTERS: &[(char, &str)] = &[
    ('ß', "ss"),
    ('æ', "ae"),
    ('ð', "d"),
    ('ø', "o"),
    ('þ', "th"),
    ('đ', "d"),
    ('ħ', "h"),
    ('ı', "i"),
    ('ĸ', "k"),
    ('ł', "l"),
    ('ŋ', "ng"),
    ('œ', "oe"),
    ('ŧ', "t"),
    ('ə', "e"),
    ('α', "a"),
    ('β', "v"),
    ('γ', "g"),
    ('δ', "d"),
    ('ε', "e"),
    ('ζ', "z"),
    ('η', "i"),
    ('θ', "th"),
    ('ι', "i"),
    ('κ', "k"),
    ('λ', "l"),
    ('μ', "m"),
    ('ν', "n"),
    ('ξ', "x"),
    ('ο', "o"),
    ('π', "p"),
    ('ρ', "r"),
    ('ς', "s"),
    ('σ', "s"),
    ('τ', "t"),
    ('υ', "y"),
    ('φ', "f"),
    ('χ', "ch"),
    ('ψ', "ps"),
    ('ω', "o"),
    ('а', "a"),
    ('б', "b"),
    ('в', "v"),
    ('г', "g"),
    ('д', "d"),
    ('е', "e"),
    ('ж', "zh"),
    ('з', "z"),
    ('и', "i"),
    ('к', "k"),
    ('л', "l"),
    ('м', "m"),
    ('н', "n"),
    ('о', "o"),
    ('п', "p"),
    ('р', "r"),
    ('с', "s"),
    ('т', "t"),
    ('у', "u"),
    ('ф', "f"),
    ('х', "kh"),
    ('ц', "ts"),
    ('ч', "ch"),
    ('ш', "sh"),
    ('щ', "shch"),
    ('ъ', ""),
    ('ы', "y"),
    ('ь', ""),
    ('э', "e"),
    ('ю', "yu"),
    ('я', "ya"),
    ('ђ', "dj"),
    ('є', "ye"),
    ('ѕ', "dz"),
    ('і', "i"),
    ('ј', "j"),
    ('љ', "lj"),
    ('њ', "nj"),
    ('ћ', "c"),
    ('џ', "dz"),
    ('ґ', "g"),
];

/// Calls `write` with what stands for a character.
pub(super) fn to_ascii(c: char, mut write: impl FnMut(char)) {
    if c.is_ascii() {
        return write(c);
    }
    decompose_canonical(c, |part| match part {
        part if part.is_ascii() => write(part),
        part if is_combining_mark(part) => {}
        part => spelled_out(part).chars().for_each(&mut write),
    });
}

fn spelled_out(c: char) -> String {
    let mut lower = c.to_lowercase();
    let small = lower.next().unwrap_or(c);
    let Ok(place) = LETTERS.binary_search_by_key(&small, |(letter, _)| *letter) else {
        return "_".to_owned();
    };
    let mut letters = LETTERS[place].1.chars();
    match letters.next() {
        Some(first) if small != c => first.to_uppercase().chain(letters).collect(),
        first => first.into_iter().chain(letters).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ascii(text: &str) -> String {
        let mut out = String::new();
        text.chars().for_each(|c| to_ascii(c, |c| out.push(c)));
        out
    }

    #[test]
    fn letters_of_many_languages() {
        let cases = [
            (
                "Télé à l'étage, où ça ? Noël",
                "Tele a l'etage, ou ca ? Noel",
            ),
            (
                "Œuvre, œuf, Ægir, Straße, Łódź, Ørsted",
                "Oeuvre, oeuf, Aegir, Strasse, Lodz, Orsted",
            ),
            ("Čeština Ğ İ ı ñ ő ț", "Cestina G I i n o t"),
            ("Αθήνα Ψάρι", "Athina Psari"),
            ("Москва Щука Йод Київ", "Moskva Shchuka Iod Kiiv"),
            ("客厅 🏠 ™", "__ _ _"),
        ];
        for (given, expected) in cases {
            assert_eq!(ascii(given), expected);
        }
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(LETTERS.is_sorted_by_key(|(letter, _)| *letter));
    }
}
