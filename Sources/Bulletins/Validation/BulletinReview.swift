/// The second half of validation: the checks that need the registries, the publisher's scope or the time.
///
/// A review collects every error instead of stopping at the first, and resolves the codes of regions and fields. It
/// also runs on a bulletin whose form is invalid, with the members that could be read, so that a publisher learns of
/// all errors from one receipt.
struct BulletinReview {
    let registries: Registries
    /// The registered publisher that the bulletin names; nil if no such publisher is registered.
    let publisher: Publisher?
    let sender: Sender
    let now: Timestamp

    private(set) var errors: [BulletinError] = []
    /// Remarks for the receipt.
    var notes: [String] = []

    init(registries: Registries, publisher: Publisher?, sender: Sender, now: Timestamp) {
        self.registries = registries
        self.publisher = publisher
        self.sender = sender
        self.now = now
    }

    mutating func review(_ reading: BulletinReader.Reading) -> Bulletin {
        var bulletin = reading.bulletin
        let slug = bulletin.id.publisher
        if !slug.isEmpty { reviewPublisher(bulletin) }
        bulletin.regions = regions(reading.regionCodes, isEmergency: bulletin.urgency == .emergency)
        bulletin.fields = fields(reading.fieldCodes)
        if let body = bulletin.body, body.utf8.count <= 65_536, let fault = CommonMark.fault(of: body) {
            addError("/body", .schema, "body \(fault)")
        }
        if let expiresAt = bulletin.expiresAt, expiresAt <= now, bulletin.status == .published {
            addError("/expiresAt", .expired, "expired at \(expiresAt.text); the time is \(now.text)")
        }
        reviewTimes(bulletin)
        return bulletin
    }

    /// Checks the order of times. A withdrawal applies at any time, so its times do not matter.
    private mutating func reviewTimes(_ bulletin: Bulletin) {
        guard bulletin.status == .published else { return }
        if let event = bulletin.event, let ends = event.ends, ends.isBefore(event.starts) {
            if case .on = ends {
                addError("/event/endsOn", .schema, "the event ends before it starts")
            } else {
                addError("/event/endsAt", .schema, "the event ends before it starts")
            }
        }
        guard let expiresAt = bulletin.expiresAt else { return }
        for (path, time) in [("/publishAt", bulletin.publishAt), ("/effectiveAt", bulletin.effectiveAt)] {
            guard let time, time >= expiresAt else { continue }
            addError(path, .expired, "\(time.text) is not before expiresAt, \(expiresAt.text)")
        }
    }

    mutating func addError(_ path: String, _ code: RejectionReason, _ message: String) {
        errors.append(BulletinError(path, code, message))
    }

    private mutating func reviewPublisher(_ bulletin: Bulletin) {
        guard let publisher else {
            return addError(
                "/publisher", .unknownPublisher,
                "\(bulletin.id.publisher) is not registered; an operator can add it with: kentongan publishers add")
        }
        if case .broker(let user) = sender, user != publisher.amqpUser {
            let sent = user.map { "user \($0)" } ?? "no user_id"
            addError(
                "/publisher", .publisherMismatch,
                "the message has \(sent), and the AMQP user registered for \(publisher.slug) is another")
        }
        if !publisher.scope.kinds.contains(bulletin.kind) {
            addError("/kind", .outOfScope, "\(publisher.slug) may not publish a \(bulletin.kind.rawValue)")
        }
        if bulletin.urgency == .emergency, !publisher.scope.mayPublishEmergencies {
            addError("/urgency", .outOfScope, "\(publisher.slug) may not publish emergencies")
        }
    }

    private mutating func fields(_ codes: [(code: String, path: String)]) -> [Field] {
        var found: [Field] = []
        for (code, path) in codes {
            guard let field = Field(code), registries.fields.contains(field) else {
                addError(
                    path, .unknownField, "\(code) is not a known field; list the fields with: kentongan fields list")
                continue
            }
            if let publisher, !publisher.scope.covers(field) {
                addError(path, .outOfScope, "\(code) is outside the scope of \(publisher.slug)")
            }
            found.append(field)
        }
        return found
    }
}

/// The authenticated sender of a message.
public enum Sender: Sendable, Hashable {
    /// The user that the broker validated; nil if the message has no `user_id`. Applies where `publishers.auth` is
    /// `required`.
    case broker(user: String?)
    /// An operator, or anybody where `publishers.auth` is `open`.
    case trusted
}

extension Bulletin.Moment {
    fileprivate func isBefore(_ other: Bulletin.Moment) -> Bool {
        switch (self, other) {
        case (.at(let one), .at(let two)): one < two
        case (.on(let one), .on(let two)): one < two
        default: false
        }
    }
}
