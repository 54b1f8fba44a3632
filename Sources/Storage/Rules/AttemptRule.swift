package import Bulletins

/// Decides the state of a delivery after the outcome of an attempt.
///
/// A store reads the facts, asks `write`, and applies the answer in one transaction, provided that the delivery still has
/// the lease of the claim. If it has not, the outcome is counted as lost, and nothing is written.
package enum AttemptRule {
    /// The state of a delivery's surroundings at the time of recording.
    package struct Surroundings: Sendable, Equatable {
        package var hasSubscriptionEnded = false
        package var bulletin = BulletinState.published
        package var isWithdrawal = false
        /// Whether a revision after this withdrawal is public.
        package var isOvertaken = false

        package init() {}

        /// Whether the delivery was taken back since the claim, or a correction that waits behind it is the present word.
        package var isSuperseded: Bool {
            if hasSubscriptionEnded { return true }
            return isWithdrawal ? isOvertaken : bulletin == .superseded || bulletin == .withdrawn
        }
    }

    /// The facts about the delivery at the time of recording.
    package struct Facts: Sendable {
        /// Nil where `needsSurroundings` is false.
        package var surroundings: Surroundings?
        /// Whether the address was erased since the claim.
        package var isErased = false

        package init(surroundings: Surroundings? = nil, isErased: Bool = false) {
            (self.surroundings, self.isErased) = (surroundings, isErased)
        }
    }

    /// The delivery's columns after the attempt, and what follows from them.
    package struct Write: Sendable, Equatable {
        package var state: DeliveryState
        /// Nil once it has ended.
        package var dueAt: Timestamp?
        /// Its turn in the fair order if it has none. Nil takes its turn away: it then waits for `dueAt`.
        package var turn: Timestamp?
        package var finishedAt: Timestamp?
        /// Whether the attempt is kept. Otherwise the claim's attempt is taken back.
        package var isCounted = true
        /// Whether the receiver's words are kept. They may name an address that was erased.
        package var keepsDetail = true
        /// The attempt's outcome as `deliveries show` prints it.
        package var outcome: String { state == .pending ? "retry" : state.rawValue }
        /// Whether the publisher gets a receipt of the failure, and the address is judged by the reply.
        package var isFailure: Bool { state == .failed }
        /// Whether corrections that wait for this delivery become due.
        package var wakesSuccessors: Bool { state.isFinal }
    }

    /// Whether the delivery's own row tells the attempt, so that no row of `attempts` is kept: a first attempt that
    /// succeeded, as nearly all do.
    package static func isToldByDelivery(_ write: Write, attempt: Int) -> Bool {
        write.state == .delivered && attempt == 1
    }

    /// Whether the surroundings matter. Only a retry asks for them: a delivery that was taken back must not be tried again,
    /// while every other outcome is a fact.
    package static func needsSurroundings(_ effect: AttemptRecord.Effect) -> Bool {
        if case .retry = effect { true } else { false }
    }

    package static func write(
        for effect: AttemptRecord.Effect, inDigest: Bool, _ facts: Facts = Facts(), now: Timestamp
    ) -> Write {
        let isSuperseded = needsSurroundings(effect) && facts.surroundings?.isSuperseded == true
        let effect = isSuperseded ? .cancelled : effect
        let (state, dueAt) = target(of: effect)
        var write = Write(state: state, dueAt: dueAt)
        // A delivery that is due now keeps to the fair order. One that waits for a time has no turn, and neither has a
        // digest, which is sent at the end of its window.
        if let dueAt, dueAt <= now, !inDigest { write.turn = dueAt }
        if state.isFinal { write.finishedAt = now }
        if case .released = effect { write.isCounted = false }
        write.keepsDetail = !facts.isErased
        return write
    }

    private static func target(of effect: AttemptRecord.Effect) -> (DeliveryState, Timestamp?) {
        switch effect {
        case .delivered: (.delivered, nil)
        case .retry(let at), .released(let at): (.pending, at)
        case .failed, .endpointGone: (.failed, nil)
        case .expired: (.expired, nil)
        case .cancelled: (.cancelled, nil)
        case .suppressed: (.suppressed, nil)
        }
    }
}
