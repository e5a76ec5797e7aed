//! [`role`]: whether this process is a caged child, and [`Role::enter`], its whole life.

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

use super::{channel::Inside, lock};
use crate::{
    cage::WORD,
    layer::{Layer, Layers, State},
    order::Order,
};

/// What this process is to be, where its parent started it as a caged child.
#[derive(Debug)]
pub struct Role {
    name: String,
    /// What cannot be understood is refused in [`Role::enter`].
    order: Option<Order>,
}

/// What this process is to be; `None` where it is no caged child. To be asked first in `main`:
/// what was opened or started before [`Role::enter`] is in the cage too.
pub fn role() -> Option<Role> {
    parse(
        env::args_os()
            .skip(1)
            .map(|argument| argument.into_string().unwrap_or_default()),
    )
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Role> {
    if arguments.next()? != WORD {
        return None;
    }
    Some(Role {
        name: arguments.next().unwrap_or_default(),
        order: arguments.next().and_then(|order| Order::parse(&order)),
    })
}

impl Role {
    /// What the parent gave to [`Cage::spawn`](crate::Cage::spawn).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Locks this process in for good, tells the parent which layers hold, and does the work,
    /// which is given the role's name. `main` returns what this returns.
    ///
    /// An error of the work becomes the last words. What is wrong with the input is no such error,
    /// but an answer.
    pub fn enter(self, work: impl FnOnce(&str, &Inside) -> io::Result<()>) -> ExitCode {
        match self.live(work) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                // The parent keeps it; if that fails there is nobody to tell.
                let _ = writeln!(io::stderr(), "{error}");
                ExitCode::FAILURE
            }
        }
    }

    fn live(self, work: impl FnOnce(&str, &Inside) -> io::Result<()>) -> io::Result<()> {
        let by_hand = "this is a part of the program that it starts by itself";
        let order = self.order.ok_or_else(|| io::Error::other(by_hand))?;
        let mut inside = Inside::new().map_err(|_| io::Error::other(by_hand))?;
        let layers = lock_in(&order)?;
        inside.send(layers.to_text().as_bytes())?;
        inside.allow(order.answer_bytes);
        work(&self.name, &inside)
    }
}

/// Every layer in turn; those that fail are missing.
fn lock_in(order: &Order) -> io::Result<Layers> {
    lock::alone()?;
    let mut layers = Vec::with_capacity(Layer::ALL.len());
    for layer in Layer::ALL {
        let locked = match order.without.contains(&layer) {
            true => Err("it was left out".to_owned()),
            false => lock::lock(layer, order),
        };
        layers.push((
            layer,
            match locked {
                Ok(how) => State::Held(how),
                Err(why) => State::Missing(why),
            },
        ));
    }
    Ok(Layers(layers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    fn of(arguments: &[&str]) -> Option<Role> {
        parse(arguments.iter().map(|&argument| argument.to_owned()))
    }

    #[test]
    fn only_the_word_makes_a_caged_child() {
        assert!(of(&[]).is_none());
        assert!(of(&["ls", "caged"]).is_none());
        let order = Order::new(&Limits::default(), &[]);
        let role = of(&["caged", "ext4", &order.to_string()]).unwrap();
        assert_eq!((role.name(), &role.order), ("ext4", &Some(order)));
    }

    #[test]
    fn a_child_that_was_started_by_hand_has_no_order() {
        for by_hand in [&["caged"][..], &["caged", "ext4"], &["caged", "ext4", "-v"]] {
            assert_eq!(of(by_hand).unwrap().order, None, "{by_hand:?}");
        }
    }
}
