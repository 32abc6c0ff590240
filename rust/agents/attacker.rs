//! Whoever ignites: one market order in spot.

use crate::book::{NewOrder, OrderKind};
use crate::ids::AccountId;
use crate::world::World;

/// The push.
pub fn ignition(world: &World) -> NewOrder {
    let (side, qty) = world.ignition;
    NewOrder { owner: AccountId::ATTACKER, side, qty, kind: OrderKind::Market }
}
