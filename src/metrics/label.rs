//! Texts about an entity: what tells it apart, what people call it, what else is known of it.

/// One text of the entities of a group: its name, where it is read, which tag it is.
#[derive(Debug)]
pub(crate) struct Label {
    /// Its name in templates.
    pub(crate) name: &'static str,
    /// The places in the entity's own record where it may stand; the first that holds something
    /// counts. Without any it is inherited, fixed, or given by the section's code.
    pub(crate) from: &'static [&'static str],
    /// Whether the entity that this one is a part of has it too.
    pub(crate) inherited: bool,
    /// The text, where it is the same for every entity of the group.
    pub(crate) fixed: Option<&'static str>,
    /// The tag that it is in InfluxDB, as in freebox-monitoring 0.9.1 where that has it.
    pub(crate) tag: Option<&'static str>,
    /// How that script spells the tag.
    pub(crate) spelling: Spelling,
    /// Whether the tag is all that it is for.
    pub(crate) is_tag_only: bool,
    /// Whether it comes from another answer, without which nobody knows which series in InfluxDB an
    /// entity is.
    pub(crate) is_needed: bool,
    /// The key that a template may put it in the place of.
    pub(crate) stands_for: Option<&'static str>,
    /// Whether people call the entity so.
    pub(crate) spoken: bool,
    /// The value that goes without saying.
    pub(crate) usual: Option<&'static str>,
}

/// How freebox-monitoring 0.9.1 spells a text as a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// As the box does.
    AsItIs,
    /// The same, and one blank where the box has nothing.
    OrBlank,
    /// Without accents.
    Plain,
    /// Without accents, and cut: who made a part.
    PlainMaker,
    /// Without accents and punctuation, and cut: who made a device.
    WordsOfMaker,
    /// As Python shows the bytes of a path, and a word where the box has none.
    PythonBytes,
}

/// A text that stands in the record under these paths.
pub(crate) const fn label(name: &'static str, from: &'static [&'static str]) -> Label {
    Label {
        name,
        from,
        inherited: false,
        fixed: None,
        tag: None,
        spelling: Spelling::AsItIs,
        is_tag_only: false,
        is_needed: false,
        stands_for: None,
        spoken: false,
        usual: None,
    }
}

/// A text that the section's code finds out.
pub(crate) const fn given(name: &'static str) -> Label {
    label(name, &[])
}

/// A text of the entity that this one is a part of.
pub(crate) const fn inherited(name: &'static str) -> Label {
    label(name, &[]).or_inherited()
}

/// A text that is the same for every entity of the group.
pub(crate) const fn fixed(name: &'static str, text: &'static str) -> Label {
    let mut label = label(name, &[]);
    label.fixed = Some(text);
    label
}

impl Label {
    /// Takes it from the entity that this one is a part of, where the record does not say it.
    pub(crate) const fn or_inherited(mut self) -> Self {
        self.inherited = true;
        self
    }

    /// Says which tag it is.
    pub(crate) const fn tag(mut self, tag: &'static str) -> Self {
        self.tag = Some(tag);
        self
    }

    /// Says how the tag is spelled.
    pub(crate) const fn spelled(mut self, spelling: Spelling) -> Self {
        self.spelling = spelling;
        self
    }

    /// Says that the tag is all that it is for.
    pub(crate) const fn tag_only(mut self) -> Self {
        self.is_tag_only = true;
        self
    }

    /// Says that without it nobody knows which series in InfluxDB an entity is.
    pub(crate) const fn needed(mut self) -> Self {
        self.is_needed = true;
        self
    }

    /// Says that it tells entities apart as this key does.
    pub(crate) const fn stands_for(mut self, key: &'static str) -> Self {
        self.stands_for = Some(key);
        self
    }

    /// Says that people call the entity so.
    pub(crate) const fn spoken(mut self) -> Self {
        self.spoken = true;
        self
    }

    /// Says that people call the entity so, and that it may stand for this key.
    pub(crate) const fn names(self, key: &'static str) -> Self {
        self.stands_for(key).spoken()
    }

    /// Says which value need not be told.
    pub(crate) const fn usual(mut self, value: &'static str) -> Self {
        self.usual = Some(value);
        self
    }
}
