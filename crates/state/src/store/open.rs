//! The rows of open work in the store: queues, timers, holds, what nodes took today and made of it,
//! prices, and what promises are learned from.

use omnifold_domain::promise::{LearnedKey, LearnedRow};
use omnifold_domain::{
    NodeDay, NodeIx, Priced, Scorecard, ShadowPrices, SoftHold, SoftHoldKey, TimerKey,
};

use super::Store;
use crate::backend::{Backend, StateError};
use crate::rows::{self, Table, key_u32};
use crate::undo::Undo;

impl Store {
    pub(super) fn load_open(&mut self, backend: &dyn Backend) -> Result<(), StateError> {
        backend.scan(Table::Timer, &[], &[], &mut |key, value| {
            let timer = rows::key_timer(key).ok_or_else(|| rows::no_key(Table::Timer, key))?;
            self.timers.load(timer, rows::decode(Table::Timer, key, value)?);
            Ok(())
        })?;
        backend.scan(Table::SoftHold, &[], &[], &mut |key, value| {
            let hold =
                rows::key_soft_hold(key).ok_or_else(|| rows::no_key(Table::SoftHold, key))?;
            self.soft_holds.load(hold, rows::decode(Table::SoftHold, key, value)?);
            Ok(())
        })?;
        backend.scan(Table::NodeDay, &[], &[], &mut |key, value| {
            let node = key_u32(key, 0).ok_or_else(|| rows::no_key(Table::NodeDay, key))?;
            self.node_days.load(NodeIx(node), rows::decode(Table::NodeDay, key, value)?);
            Ok(())
        })?;
        backend.scan(Table::Scorecard, &[], &[], &mut |key, value| {
            let node = key_u32(key, 0).ok_or_else(|| rows::no_key(Table::Scorecard, key))?;
            self.scorecards.load(NodeIx(node), rows::decode(Table::Scorecard, key, value)?);
            Ok(())
        })?;
        backend.scan(Table::Price, &[], &[], &mut |key, value| {
            let of = rows::key_priced(key).ok_or_else(|| rows::no_key(Table::Price, key))?;
            self.prices.load(of, rows::decode(Table::Price, key, value)?);
            Ok(())
        })?;
        backend.scan(Table::Learned, &[], &[], &mut |key, value| {
            let place = rows::key_learned(key).ok_or_else(|| rows::no_key(Table::Learned, key))?;
            self.learned.load(place, rows::decode(Table::Learned, key, value)?);
            Ok(())
        })
    }

    pub(super) fn take_back_open(&mut self, entry: Undo) {
        match entry {
            Undo::Waiting(place, old) => drop(self.waiting.set(place, old)),
            Undo::Timer(timer, old) => drop(self.timers.set(timer, old)),
            Undo::SoftHold(key, old) => drop(self.soft_holds.set(key, old)),
            Undo::NodeDay(node, old) => drop(self.node_days.set(node, old)),
            Undo::Scorecard(node, old) => drop(self.scorecards.set(node, old)),
            Undo::Prices(of, old) => drop(self.prices.set(of, old)),
            Undo::Learned(key, old) => drop(self.learned.set(key, old)),
            _ => unreachable!("the store takes back its other rows itself"),
        }
    }

    pub(super) fn end_open(&mut self) {
        let images = &mut self.recent.current;
        self.waiting.end_epoch(images, &mut self.digest);
        self.timers.end_epoch(images, &mut self.digest);
        self.soft_holds.end_epoch(images, &mut self.digest);
        self.node_days.end_epoch(images, &mut self.digest);
        self.scorecards.end_epoch(images, &mut self.digest);
        self.prices.end_epoch(images, &mut self.digest);
        self.learned.end_epoch(images, &mut self.digest);
    }

    pub(super) fn set_timer(&mut self, timer: TimerKey, subject: Option<u128>) {
        let old = self.timers.set(timer, subject);
        self.undo.push(Undo::Timer(timer, old));
    }

    pub(super) fn set_soft_hold(&mut self, key: SoftHoldKey, hold: Option<SoftHold>) {
        let old = self.soft_holds.set(key, hold);
        self.undo.push(Undo::SoftHold(key, old));
    }

    pub(super) fn set_node_day(&mut self, node: NodeIx, day: NodeDay) {
        let old = self.node_days.set(node, Some(day));
        self.undo.push(Undo::NodeDay(node, old));
    }

    pub(super) fn set_scorecard(&mut self, node: NodeIx, card: Scorecard) {
        let old = self.scorecards.set(node, Some(card));
        self.undo.push(Undo::Scorecard(node, old));
    }

    pub(super) fn set_learned(&mut self, key: LearnedKey, row: Option<LearnedRow>) {
        let old = self.learned.set(key, row);
        self.undo.push(Undo::Learned(key, old));
    }

    pub(super) fn set_prices(&mut self, of: Priced, prices: Option<ShadowPrices>) {
        let old = self.prices.set(of, prices);
        self.undo.push(Undo::Prices(of, old));
    }
}
