import Crypto

/// Validates a JSON value as a bulletin. It reports all errors together, not only the first.
public struct BulletinValidator: Sendable {
    private let registries: Registries

    public init(registries: Registries) { self.registries = registries }

    /// Checks the form of the bulletin, then its meaning. `publisher` is the registered publisher that the bulletin
    /// names; nil if no such publisher is registered.
    public func validate(_ value: JSONValue, publisher: Publisher?, sender: Sender, now: Timestamp)
        -> Result<AcceptedBulletin, Rejection>
    {
        let reading = BulletinReader.read(value)
        var review = BulletinReview(registries: registries, publisher: publisher, sender: sender, now: now)
        let bulletin = review.review(reading)
        if let rejection = Rejection(reading.errors + review.errors) { return .failure(rejection) }
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
