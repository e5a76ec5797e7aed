//! [`Layer`]: one of the things that hold a caged child, and [`Layers`], which of them do.

use std::fmt;

/// What holds a caged child, beside its being another process, in the order in which it is locked.
///
/// Each is meant to be enough against what it is for with the others gone; what it is for is said
/// at each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The kernel kills the child when the thread that started it ends: no orphan goes on.
    ParentDeath,
    /// Nothing that is executed gains a privilege, and the filters below may be set without one.
    NoNewPrivileges,
    /// Nobody but root attaches to the child, and it leaves no image of its memory.
    NotDumpable,
    /// Nothing is open but the channel and the pipe for last words.
    Descriptors,
    /// Every capability is gone, for good: root inside is nobody.
    Capabilities,
    /// Landlock, with every right that it and the kernel know of handled and none granted: no
    /// file, no TCP port, no abstract socket, no signal to anybody outside.
    ///
    /// Held from its first version (Linux 5.13) on. What later versions add are ways that
    /// [`Layer::SystemCalls`] closes too: truncating, ioctl, TCP, abstract sockets, signals.
    Landlock,
    /// Memory, time on a processor, descriptors, bytes of a file, no core.
    ///
    /// Not the number of threads: the kernel counts those by user, over all its processes. The
    /// address space bounds them, and no process can be made.
    Limits,
    /// A list of system calls that the work needs (seccomp); all others are refused or deadly.
    SystemCalls,
}

impl Layer {
    /// All of them, in the order in which they are locked.
    pub const ALL: [Layer; 8] = [
        Layer::ParentDeath,
        Layer::NoNewPrivileges,
        Layer::NotDumpable,
        Layer::Descriptors,
        Layer::Capabilities,
        Layer::Landlock,
        Layer::Limits,
        Layer::SystemCalls,
    ];

    /// One word, the same for ever.
    pub fn word(self) -> &'static str {
        match self {
            Layer::ParentDeath => "parent-death",
            Layer::NoNewPrivileges => "no-new-privileges",
            Layer::NotDumpable => "not-dumpable",
            Layer::Descriptors => "descriptors",
            Layer::Capabilities => "capabilities",
            Layer::Landlock => "landlock",
            Layer::Limits => "limits",
            Layer::SystemCalls => "system-calls",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Layer> {
        Layer::ALL.into_iter().find(|layer| layer.word() == word)
    }

    /// What the operator can do where the layer is missing.
    pub fn advice(self) -> &'static str {
        match self {
            Layer::Landlock => {
                "it takes Linux 5.13 or newer, built with CONFIG_SECURITY_LANDLOCK, and `landlock` \
                 in the boot parameter lsm= where there is one"
            }
            Layer::SystemCalls => {
                "it takes Linux on x86_64 or aarch64, built with CONFIG_SECCOMP_FILTER, and a \
                 container that allows seccomp"
            }
            Layer::Descriptors => "it takes Linux with /proc mounted",
            Layer::ParentDeath
            | Layer::NoNewPrivileges
            | Layer::NotDumpable
            | Layer::Capabilities
            | Layer::Limits => "it takes Linux, and a container that does not forbid it",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Whether a layer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It holds; with the version where that matters, or nothing.
    Held(String),
    /// It does not, and why.
    Missing(String),
}

/// Which layers hold a child, as it said before it was given anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layers(pub(crate) Vec<(Layer, State)>);

impl Layers {
    /// Every layer once, in the order of [`Layer::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Layer, &State)> {
        self.0.iter().map(|(layer, state)| (*layer, state))
    }

    /// Those that do not hold, and why.
    pub fn missing(&self) -> impl Iterator<Item = (Layer, &str)> {
        self.iter().filter_map(|(layer, state)| match state {
            State::Held(_) => None,
            State::Missing(why) => Some((layer, why.as_str())),
        })
    }

    /// Whether this one holds.
    pub fn holds(&self, layer: Layer) -> bool {
        self.missing().all(|(missing, _)| missing != layer)
    }

    /// The child's first frame: a line a layer.
    pub(crate) fn to_text(&self) -> String {
        let line = |(layer, state): (Layer, &State)| match state {
            State::Held(how) => format!("{layer}\theld\t{}\n", one_line(how)),
            State::Missing(why) => format!("{layer}\tmissing\t{}\n", one_line(why)),
        };
        self.iter().map(line).collect()
    }

    /// `None` where a line is not as written above, or the layers are not all of them in order.
    pub(crate) fn from_text(text: &[u8]) -> Option<Layers> {
        let text = str::from_utf8(text).ok()?;
        let layers = text.lines().map(parse).collect::<Option<Vec<_>>>()?;
        let complete = layers.iter().map(|(layer, _)| *layer).eq(Layer::ALL);
        complete.then_some(Layers(layers))
    }
}

fn parse(line: &str) -> Option<(Layer, State)> {
    let mut fields = line.splitn(3, '\t');
    let layer = Layer::from_word(fields.next()?)?;
    let state = match (fields.next()?, fields.next()?) {
        ("held", how) => State::Held(how.to_owned()),
        ("missing", why) => State::Missing(why.to_owned()),
        _ => return None,
    };
    Some((layer, state))
}

fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers() -> Layers {
        let state = |layer| match layer {
            Layer::Landlock => State::Missing("there is\nnone".to_owned()),
            _ => State::Held(String::new()),
        };
        Layers(Layer::ALL.map(|layer| (layer, state(layer))).into())
    }

    #[test]
    fn what_the_child_says_is_what_the_parent_hears() {
        let heard = Layers::from_text(layers().to_text().as_bytes()).unwrap();
        assert_eq!(
            heard.missing().collect::<Vec<_>>(),
            [(Layer::Landlock, "there is none")]
        );
        assert!(heard.holds(Layer::Limits) && !heard.holds(Layer::Landlock));
    }

    #[test]
    fn anything_but_every_layer_in_order_is_not_understood() {
        let text = layers().to_text();
        let (first, rest) = text.split_once('\n').unwrap();
        for wrong in [
            String::new(),
            rest.to_owned(),
            format!("{rest}{first}\n"),
            format!("{text}{first}\n"),
            text.replace("held", "perhaps"),
            text.replace('\t', " "),
        ] {
            assert_eq!(Layers::from_text(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(Layers::from_text(b"\xff"), None);
    }
}
