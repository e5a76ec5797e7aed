//! Images in every form that tools write them in, and in forms that no tool would.

mod forms;
mod images;
mod wrong;
