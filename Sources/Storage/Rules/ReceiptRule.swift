package import Bulletins

/// Decides which receipts tell a publisher what, and when a bulletin is complete.
///
/// An id is made of the number of what it tells about and the event, so a receipt that is written twice is known as the
/// same one.
package enum ReceiptRule {
    /// The receipts of a new revision.
    package static func recorded(
        _ number: Int64, in state: BulletinState, about subject: ReceiptSubject, publishAt: Timestamp?, notes: [String]
    ) -> [Receipt] {
        let details: [JSONObject.Member] = [
            ("state", .string(state.rawValue)), ("notes", .array(notes.map { .string($0) })),
        ]
        return [Receipt(.accepted, id: "\(number).accepted", about: subject, details)]
            + entered(state, number, about: subject, publishAt: publishAt)
    }

    /// The receipt of a message that brought a known revision again.
    package static func duplicate(of number: Int64, about subject: ReceiptSubject) -> Receipt {
        Receipt(.duplicate, id: "\(number).duplicate", about: subject)
    }

    /// The receipts of a revision that came into a state later. Only states that the publisher waits for have one.
    package static func entered(
        _ state: BulletinState, _ number: Int64, about subject: ReceiptSubject, publishAt: Timestamp?
    ) -> [Receipt] {
        switch state {
        case .held: [Receipt(.held, id: "\(number).held", about: subject)]
        case .scheduled:
            [
                Receipt(
                    .scheduled, id: "\(number).scheduled", about: subject,
                    [("publishAt", .string(publishAt?.text ?? ""))])
            ]
        case .withdrawn: [Receipt(.withdrawn, id: "\(number).withdrawn", about: subject)]
        case .published, .rejected, .superseded, .expired: []
        }
    }

    /// The receipts of a revision that an operator approved.
    package static func approved(
        _ number: Int64, in state: BulletinState, about subject: ReceiptSubject, publishAt: Timestamp?
    ) -> [Receipt] {
        [Receipt(.approved, id: "\(number).approved", about: subject)]
            + entered(state, number, about: subject, publishAt: publishAt)
    }

    /// The receipt of a revision that an operator rejected.
    package static func rejected(_ number: Int64, about subject: ReceiptSubject, why: String) -> Receipt {
        Receipt(.rejected, id: "\(number).rejected-by-operator", about: subject, [("why", .string(why))])
    }

    /// The receipt of a revision whose fan-out has come to its end, with the deliveries that it made by channel.
    package static func routed(
        _ number: Int64, about subject: ReceiptSubject, byChannel: JSONObject, regions: [String]
    ) -> Receipt {
        let total = byChannel.members.reduce(Int64(0)) { sum, member in
            if case .integer(let count) = member.value { sum + count } else { sum }
        }
        return Receipt(
            .routed, id: "\(number).routed", about: subject,
            [
                ("deliveries", .integer(total)), ("byChannel", .object(byChannel)),
                ("regions", .array(regions.map { .string($0) })),
            ])
    }
}

extension ReceiptRule {
    /// The last receipt of a revision. An operator who has deliveries tried again reopens the bulletin, which then gets
    /// another one under another id.
    package static func completed(
        _ number: Int64, about subject: ReceiptSubject, _ details: [JSONObject.Member], reopened: Int64 = 0
    ) -> Receipt {
        let id = "\(number).completed" + (reopened > 0 ? ".\(reopened)" : "")
        return Receipt(.completed, id: id, about: subject, details)
    }

    /// The facts on which the end of a bulletin depends.
    package struct Progress: Sendable {
        /// Deliveries that have not come to their end.
        package var pending: Int64
        /// Whether the fan-out is through.
        package var isRouted: Bool
        /// Whether the receipt `completed` was written, and the bulletin not reopened since.
        package var isCompleted: Bool
        /// Whether pending deliveries are being ended, in chunks.
        package var isEnding: Bool

        package init(pending: Int64, isRouted: Bool, isCompleted: Bool, isEnding: Bool) {
            (self.pending, self.isRouted, self.isCompleted, self.isEnding) = (pending, isRouted, isCompleted, isEnding)
        }

        /// Whether the receipt `completed` is due.
        package var isDone: Bool { pending == 0 && isRouted && !isCompleted && !isEnding }
    }

    /// A bulletin with more deliveries than this is large: counting them takes too long for a transaction that writes, so
    /// its receipt `completed` is written later (`FanoutStore.completeLarge`).
    package static let large: Int64 = 20_000
}

extension ReceiptRule {
    /// The publishers that are told that a message was rejected.
    ///
    /// If the broker checked the message's user, only that user's publishers are told, and not the one that the message
    /// claims to be from, which may be another's. `own` are the publishers of the checked user. A publisher that is not
    /// registered yet finds the receipt under its own name, but never under another's.
    package static func addressees(
        of message: IncomingBulletin, own: [String], isClaimedRegistered: Bool
    ) -> [String] {
        let claimed = message.claimedID?.publisher
        guard message.isUserChecked else { return [claimed ?? "unknown"] }
        if let claimed, own.contains(claimed) { return [claimed] }
        guard own.isEmpty else { return own }
        guard let claimed, !isClaimedRegistered else { return ["unknown"] }
        return [claimed]
    }

    /// The receipts of a rejected message, of which `number` is the rejection. A queue that the message names as `reply_to`
    /// gets only the first.
    package static func rejected(
        _ number: Int64, _ rejection: Rejection, to addressees: [String], about subject: ReceiptSubject
    ) -> [Receipt] {
        let details: [JSONObject.Member] = [
            ("reason", .string(rejection.reason.rawValue)), ("errors", .array(rejection.errors.map(\.json))),
        ]
        return addressees.enumerated().map { index, addressee in
            var subject = subject
            subject.publisher = addressee
            if index > 0 { subject.replyTo = nil }
            return Receipt(.rejected, id: "\(number).rejected", about: subject, details)
        }
    }
}
