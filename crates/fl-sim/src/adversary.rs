//! The adversary: the attack, with what it knows and what it remembers.

use crate::protocol::Protocol;
use crate::roster::Present;
use fl_core::{
    Attack, AttackContext, AttackSpec, AttackView, Cx, Federation, Knowledge, Messages, Scalar,
    SpecError, Visit,
};

/// Writes what Byzantine workers send.
#[derive(Debug)]
pub(crate) struct Adversary<T: Scalar> {
    attack: Box<dyn Attack<T>>,
    knowledge: Knowledge,
}

impl<T: Scalar> Adversary<T> {
    pub(crate) fn new(
        attack: &dyn AttackSpec<T>,
        federation: &Federation,
        knowledge: Knowledge,
        protocol: &Protocol<T>,
        dim: usize,
    ) -> Result<Self, SpecError> {
        let mut context = AttackContext::new(federation, dim).with_knowledge(knowledge);
        context.defence = protocol.server().map(|(server, _)| server);
        Ok(Self { attack: attack.build(&context)?, knowledge })
    }

    /// Whether Byzantine workers have to compute what they would honestly send.
    pub(crate) fn needs_true_messages(&self) -> bool {
        self.attack.needs_true_messages()
    }

    /// Whether the attack starts from what the server made of the round before.
    pub(crate) fn looks_back(&self) -> bool {
        self.attack.looks_back()
    }

    /// Overwrites the messages of the Byzantine workers that are there.
    pub(crate) fn corrupt(
        &mut self,
        cx: &Cx<'_>,
        who: &Present<'_>,
        protocol: &Protocol<T>,
        messages: &mut Messages<T>,
    ) {
        // An attack is in no round to which none of its own comes.
        if who.some.is_some() && who.federation.byzantine().is_empty() {
            return;
        }
        let (server, previous) = protocol.server().unzip();
        let mut view = AttackView::new(messages, who.federation)
            .with_knowledge(self.knowledge)
            .with_defence(server)
            .with_previous(previous);
        self.attack.corrupt(cx, &mut view);
    }

    /// What later rounds depend on.
    pub(crate) fn state(&mut self, visit: &mut Visit<'_, T>) {
        self.attack.state(&mut |name, part| visit(&format!("attack.{name}"), part));
    }
}
