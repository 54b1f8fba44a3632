import Crypto

/// A bulletin that passed validation, with what has to be stored of it.
public struct AcceptedBulletin: Sendable {
    public var bulletin: Bulletin
    /// The bulletin as JSON, with its publisher, id and revision filled in and retired codes replaced.
    public var payload: [UInt8]
    /// SHA-256 of the content in canonical form: two messages with the same digest say the same.
    public var digest: [UInt8]
    /// What the receipt tells the publisher, such as a retired code that was replaced.
    public var notes: [String]
    /// Whether it waits for an operator's approval.
    public var isModerated: Bool

    public init(bulletin: Bulletin, payload: [UInt8], digest: [UInt8], notes: [String] = [], isModerated: Bool = false)
    {
        self.bulletin = bulletin
        self.payload = payload
        self.digest = digest
        self.notes = notes
        self.isModerated = isModerated
    }
}

/// Turns a JSON value into a bulletin or a refusal with everything that is wrong with it.
public struct BulletinValidator: Sendable {
    private let registries: Registries

    public init(registries: Registries) { self.registries = registries }

    /// Checks the shape and, with `publisher` (the registered one of that name), the meaning.
    public func validate(_ value: JSONValue, publisher: Publisher?, sender: Sender, now: Timestamp)
        -> Result<AcceptedBulletin, Refusal>
    {
        let reading = BulletinReader.read(value)
        var review = BulletinReview(registries: registries, publisher: publisher, sender: sender, now: now)
        let bulletin = review.review(reading)
        if let refusal = Refusal(reading.errors + review.errors) { return .failure(refusal) }
        let payload = Self.payload(value, bulletin)
        return .success(
            AcceptedBulletin(
                bulletin: bulletin, payload: JSONWriter.bytes(payload), digest: Self.digest(payload),
                notes: review.notes, isModerated: publisher?.isModerated ?? false))
    }

    private static func payload(_ value: JSONValue, _ bulletin: Bulletin) -> JSONValue {
        guard case .object(var object) = value else { return value }
        object["revision"] = .integer(bulletin.revision)
        object["regions"] = .array(bulletin.regions.map { .string($0.code) })
        return .object(object)
    }

    static func digest(_ payload: JSONValue) -> [UInt8] {
        Array(SHA256.hash(data: JSONWriter.bytes(payload, sortsKeys: true)))
    }
}
