/// The second half of validation: what needs knowledge of the regions, fields, the publisher's scope
/// and the time.
struct BulletinReview {
    let registries: Registries
    /// The registered publisher that the bulletin names; nil if there is none.
    let publisher: Publisher?
    let sender: Sender
    let now: Timestamp

    private(set) var errors: [BulletinError] = []
    private(set) var notes: [String] = []

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
            note("/body", .schema, "body \(fault)")
        }
        if let expiresAt = bulletin.expiresAt, expiresAt <= now, bulletin.status == .published {
            note("/expiresAt", .expired, "expired at \(expiresAt.text), and it is \(now.text) now")
        }
        reviewTimes(bulletin)
        return bulletin
    }

    /// A withdrawal goes whenever it comes, so its times do not matter.
    private mutating func reviewTimes(_ bulletin: Bulletin) {
        guard bulletin.status == .published else { return }
        if let event = bulletin.event, let ends = event.ends, ends.isBefore(event.starts) {
            if case .on = ends {
                note("/event/endsOn", .schema, "the event ends before it starts")
            } else {
                note("/event/endsAt", .schema, "the event ends before it starts")
            }
        }
        guard let expiresAt = bulletin.expiresAt else { return }
        for (path, time) in [("/publishAt", bulletin.publishAt), ("/effectiveAt", bulletin.effectiveAt)] {
            guard let time, time >= expiresAt else { continue }
            note(path, .expired, "\(time.text) is not before expiresAt, \(expiresAt.text)")
        }
    }

    private mutating func note(_ path: String, _ code: RefusalReason, _ message: String) {
        errors.append(BulletinError(path, code, message))
    }

    private mutating func reviewPublisher(_ bulletin: Bulletin) {
        guard let publisher else {
            return note(
                "/publisher", .unknownPublisher,
                "\(bulletin.id.publisher) is not registered; an operator adds it with: kentongan publishers add")
        }
        if case .broker(let user) = sender, user != publisher.amqpUser {
            let sent = user.map { "user \($0)" } ?? "no user_id"
            note(
                "/publisher", .publisherMismatch,
                "the message came with \(sent), which is not the AMQP user registered for \(publisher.slug)")
        }
        if !publisher.kinds.contains(bulletin.kind) {
            note("/kind", .outOfScope, "\(publisher.slug) may not publish a \(bulletin.kind.rawValue)")
        }
        if bulletin.urgency == .emergency, !publisher.mayPublishEmergencies {
            note("/urgency", .outOfScope, "\(publisher.slug) may not publish emergencies")
        }
    }

    private mutating func regions(_ codes: [(code: String, path: String)], isEmergency: Bool) -> [Region] {
        var found: [Region] = []
        for (code, path) in codes {
            for region in resolve(code, path, isEmergency: isEmergency) {
                // A retired village is named by its old code, and what it became lies where its publisher does.
                let isAbove = Region(code).map { region.contains($0) && region != $0 } ?? false
                if let publisher, !publisher.covers(region), !(isAbove && Region(code).map(publisher.covers) ?? false) {
                    note(
                        path, .outOfScope,
                        "\(code) (\(registries.regions.fullName(of: region))) lies outside the scope of \(publisher.slug): \(publisher.regions.map(\.code).joined(separator: ", "))"
                    )
                }
                if !found.contains(region) { found.append(region) }
            }
        }
        return found
    }

    /// The region of a code, or what took its place; an error if there is none or no single one.
    private mutating func resolve(_ code: String, _ path: String, isEmergency: Bool) -> [Region] {
        guard let region = Region(code) else {
            note(path, .unknownRegion, "\(code) is no Kemendagri code; those are dotted, such as 73.71.09")
            return []
        }
        if registries.regions.contains(region) { return [region] }
        let successors = registries.successors.successors(of: region)
        let names = successors.map { "\($0) (\(registries.regions.name(of: $0) ?? "?"))" }.joined(separator: ", ")
        if successors.isEmpty, let above = nearest(to: region) {
            let name = above.map { "\($0) (\(registries.regions.fullName(of: $0)))" }.joined(separator: ", ")
            if isEmergency, mayReach(above, instead: region) {
                notes.append("\(code) is not among the regions; the emergency goes to the region above, \(name)")
                return above
            }
            note(
                path, .unknownRegion,
                "\(code) is not among the regions; it may be retired. Name what took its place, or the region above: \(name)"
            )
        } else if successors.isEmpty {
            note(path, .unknownRegion, "\(code) is not among the regions; look it up with: kentongan regions search")
        } else if successors.count == 1 || isEmergency {
            notes.append("\(code) is retired; taken for \(names)")
            return successors
        } else {
            note(path, .retiredRegion, "\(code) is retired and was split into \(names); name those that are meant")
        }
        return []
    }

    /// Whether the publisher's scope holds what the code names, or all that would take its place.
    private func mayReach(_ above: [Region], instead region: Region) -> Bool {
        guard let publisher else { return true }
        return publisher.covers(region) || above.allSatisfy(publisher.covers)
    }

    /// The nearest region above an unknown one, or what took its place: villages and districts are merged and renumbered,
    /// and no table lists them all. The country is too far from a code that may be a slip of the hand.
    private func nearest(to region: Region) -> [Region]? {
        for above in region.ancestors where above != .country {
            if registries.regions.contains(above) { return [above] }
            let successors = registries.successors.successors(of: above)
            if !successors.isEmpty { return successors }
        }
        return nil
    }

    private mutating func fields(_ codes: [(code: String, path: String)]) -> [Field] {
        var found: [Field] = []
        for (code, path) in codes {
            guard let field = Field(code), registries.fields.contains(field) else {
                note(path, .unknownField, "\(code) is not among the fields; list them with: kentongan fields list")
                continue
            }
            if let publisher, !publisher.covers(field) {
                note(path, .outOfScope, "\(code) lies outside the scope of \(publisher.slug)")
            }
            found.append(field)
        }
        return found
    }
}

/// Who sent a message, as far as that can be trusted.
public enum Sender: Sendable, Hashable {
    /// Over AMQP, where `publishers.auth` is `required`: the user that the broker vouches for, if any.
    case broker(user: String?)
    /// By an operator, or where `publishers.auth` is `open`: nobody's word is needed.
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
