/// The unit of dissemination: an announcement by a government unit, or a proposal by a KIM (a community information
/// group).
///
/// `docs/contract.md` and `config/schema/bulletin.schema.json` define the members.
public struct Bulletin: Sendable {
    public enum Kind: String, Sendable, CaseIterable { case announcement, proposal }

    public enum Urgency: String, Sendable, CaseIterable, Comparable {
        case routine, important, emergency

        /// 0 for routine, 1 for important, 2 for emergency.
        public var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
        public static func < (a: Urgency, b: Urgency) -> Bool { a.rank < b.rank }
    }

    public enum Status: String, Sendable, CaseIterable { case published, withdrawn }

    public struct Attachment: Sendable {
        public var title: String
        public var url: String
        public var type: String
        public var length: Int64?
    }

    public struct Contact: Sendable {
        public var name: String?
        public var phone: String?
        public var email: String?
    }

    /// The time of an event: an instant, or a whole day in the time zone of its region.
    public enum Moment: Sendable {
        case at(Timestamp)
        case on(CalendarDay)
    }

    public struct Event: Sendable {
        public var name: String?
        public var starts: Moment
        public var ends: Moment?
        public var place: String?
    }

    /// A warning, modelled on CAP 1.2 (Common Alerting Protocol).
    public struct Alert: Sendable {
        public var event: String
        public var urgency: String?
        public var severity: String?
        public var certainty: String?
        public var level: String?
        public var instruction: String?
        public var identifier: String?
    }

    public struct Proposal: Sendable {
        public var state: String
        public var stage: String?
        public var number: String?
        public var addressedTo: String?
        public var beneficiaries: Int64?
    }

    public var id: BulletinID
    public var revision: Int64 = 1
    public var status = Status.published
    public var kind: Kind
    public var title: String
    public var summary: String?
    public var body: String?
    public var note: String?
    public var language = "id"
    /// The addressed regions in their original order. Retired codes have been replaced by their successors.
    public var regions: [Region] = []
    public var fields: [Field] = []
    public var urgency = Urgency.routine
    public var issuedAt: Timestamp?
    public var publishAt: Timestamp?
    public var effectiveAt: Timestamp?
    public var expiresAt: Timestamp?
    public var link: String?
    public var attachments: [Attachment] = []
    public var legalBasis: [String] = []
    public var contact: Contact?
    public var event: Event?
    public var alert: Alert?
    public var proposal: Proposal?
    public var inReplyTo: BulletinID?

    public init(id: BulletinID, kind: Kind, title: String) {
        (self.id, self.kind, self.title) = (id, kind, title)
    }
}

/// The identity of a bulletin over all its revisions: the publisher and the publisher's own id for it, written
/// `PUBLISHER/ID`.
public struct BulletinID: Sendable, Hashable, CustomStringConvertible {
    public let publisher: String
    public let id: String

    public init(publisher: String, id: String) { (self.publisher, self.id) = (publisher, id) }

    /// Parses `PUBLISHER/ID`. Returns nil if either part is malformed.
    public init?(_ text: String) {
        guard let slash = text.firstIndex(of: "/") else { return nil }
        self.init(publisher: String(text[..<slash]), id: String(text[text.index(after: slash)...]))
        guard Grammar.isPublisher(publisher), Grammar.isBulletinID(id) else { return nil }
    }

    public var description: String { "\(publisher)/\(id)" }

    /// The URN that identifies the bulletin in feeds and calendars, the same for all revisions.
    public var urn: String { "urn:kentongan:\(publisher):\(id)" }
}
