package import Bulletins

/// Decides the state in which a revision begins, and the state that it takes once nobody holds it back.
package enum FirstState {
    /// The state of a new revision. A moderated one is held whatever its time, since an operator has to approve it first.
    package static func of(_ accepted: AcceptedBulletin, now: Timestamp) -> BulletinState {
        if accepted.isModerated { return .held }
        let bulletin = accepted.bulletin
        return released(publishAt: bulletin.publishAt, isWithdrawal: bulletin.status == .withdrawn, now: now)
    }

    /// The state of a revision that was approved, or whose time may have come.
    package static func released(publishAt: Timestamp?, isWithdrawal: Bool, now: Timestamp) -> BulletinState {
        if let publishAt, publishAt > now { return .scheduled }
        return isWithdrawal ? .withdrawn : .published
    }
}
