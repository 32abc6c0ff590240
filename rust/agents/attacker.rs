//! Whoever ignites: one market order.

use crate::book::{NewOrder, OrderKind};
use crate::event::Market;
use crate::ids::AccountId;
use crate::world::World;

/// The push, and where.
pub fn ignition(world: &World) -> (Market, NewOrder) {
    let (side, qty) = world.ignition;
    let order = NewOrder { owner: AccountId::ATTACKER, side, qty, kind: OrderKind::Market };
    (world.ignition_market, order)
}
