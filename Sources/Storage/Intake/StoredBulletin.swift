package import Bulletins

/// A revision of a bulletin, as the store keeps it.
package struct StoredBulletin: Sendable {
    /// The store's number of the revision; it grows in the order of recording.
    package let number: Int64
    package let id: BulletinID
    package let revision: Int64
    package let kind: Bulletin.Kind
    package let state: BulletinState
    package let receivedAt: Timestamp
    /// The time at which the first revision of the bulletin was recorded.
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

    /// Reads the bulletin from the payload.
    package func bulletin() throws(StoreError) -> Bulletin {
        do {
            return try Bulletin(payload: payload)
        } catch {
            throw .unusable("bulletin \(id) revision \(revision) is damaged: \(error.problem)")
        }
    }
}
