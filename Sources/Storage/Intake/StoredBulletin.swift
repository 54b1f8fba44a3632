package import Bulletins

/// A bulletin's revision as the store keeps it.
package struct StoredBulletin: Sendable {
    /// The store's own number; a later one was recorded later.
    package let number: Int64
    package let id: BulletinID
    package let revision: Int64
    package let kind: Bulletin.Kind
    package let state: BulletinState
    package let receivedAt: Timestamp
    /// When the first revision of this bulletin was recorded.
    package let firstReceivedAt: Timestamp
    /// The bulletin's JSON as it was accepted.
    package let payload: [UInt8]

    package init(
        number: Int64, id: BulletinID, revision: Int64, kind: Bulletin.Kind, state: BulletinState,
        receivedAt: Timestamp, firstReceivedAt: Timestamp, payload: [UInt8]
    ) {
        self.number = number
        self.id = id
        self.revision = revision
        self.kind = kind
        self.state = state
        self.receivedAt = receivedAt
        self.firstReceivedAt = firstReceivedAt
        self.payload = payload
    }

    /// The bulletin itself, read from the payload.
    package func bulletin() throws(StoreError) -> Bulletin {
        do {
            return try Bulletin(payload: payload)
        } catch {
            throw .unusable("bulletin \(id) revision \(revision) is damaged: \(error.problem)")
        }
    }
}
