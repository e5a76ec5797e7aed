//! [`Order`]: what the parent tells the child about its cage, in one argument.
//!
//! `memory=1073741824,cpu=300,descriptors=16,file=0,without=landlock`, as the list of processes
//! shows it too.

use std::fmt;

use crate::{layer::Layer, limits::Limits};

/// What the child does to itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) memory_bytes: u64,
    pub(crate) cpu_seconds: u64,
    pub(crate) descriptors: u64,
    pub(crate) file_bytes: u64,
    pub(crate) answer_bytes: u32,
    /// Layers to treat as though the kernel lacked them.
    pub(crate) without: Vec<Layer>,
}

impl Order {
    pub(crate) fn new(limits: &Limits, without: &[Layer]) -> Order {
        Order {
            memory_bytes: limits.memory_bytes,
            cpu_seconds: limits.cpu_seconds,
            descriptors: limits.descriptors,
            file_bytes: limits.file_bytes,
            answer_bytes: limits.answer_bytes,
            without: without.to_vec(),
        }
    }

    /// `None` where the text is not one that [`fmt::Display`] below writes.
    pub(crate) fn parse(text: &str) -> Option<Order> {
        let mut fields = text.split(',');
        let mut field = |name: &str| fields.next()?.strip_prefix(name)?.strip_prefix('=');
        let order = Order {
            memory_bytes: field("memory")?.parse().ok()?,
            cpu_seconds: field("cpu")?.parse().ok()?,
            descriptors: field("descriptors")?.parse().ok()?,
            file_bytes: field("file")?.parse().ok()?,
            answer_bytes: field("answer")?.parse().ok()?,
            without: field("without")?
                .split('+')
                .filter(|word| !word.is_empty())
                .map(Layer::from_word)
                .collect::<Option<_>>()?,
        };
        fields.next().is_none().then_some(order)
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let without: Vec<_> = self.without.iter().map(|layer| layer.word()).collect();
        write!(
            f,
            "memory={},cpu={},descriptors={},file={},answer={},without={}",
            self.memory_bytes,
            self.cpu_seconds,
            self.descriptors,
            self.file_bytes,
            self.answer_bytes,
            without.join("+")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_comes_back_as_it_was() {
        for without in [&[][..], &[Layer::Landlock], &Layer::ALL] {
            let order = Order::new(&Limits::default(), without);
            assert_eq!(Order::parse(&order.to_string()), Some(order));
        }
    }

    #[test]
    fn anything_else_is_no_order() {
        let good = Order::new(&Limits::default(), &[]).to_string();
        for wrong in [
            String::new(),
            format!("{good},more=1"),
            format!("{good}luck"),
            good.replace("cpu", "gpu"),
            good.replace("memory=", "memory=-"),
            good.replace(",without=", ""),
        ] {
            assert_eq!(Order::parse(&wrong), None, "{wrong}");
        }
    }
}
