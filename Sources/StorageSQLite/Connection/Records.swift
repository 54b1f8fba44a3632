import Bulletins
import Foundation
import GRDB
import Storage

/// The domain's words in columns.
extension Row {
    func timestamp(_ column: String) -> Timestamp? {
        (self[column] as Int64?).map { Timestamp(milliseconds: $0) }
    }

    func time(_ column: String) -> Timestamp { Timestamp(milliseconds: self[column]) }

    func bytes(_ column: String) -> [UInt8] { [UInt8](self[column] as Data) }

    /// A stored region. A number that is no region's is damage.
    func region(_ column: String) throws -> Region { try region(self[column] as Int64) }

    func region(_ number: Int64) throws -> Region {
        guard let region = Region(rawValue: number) else {
            throw StoreError.unusable("\(number) is no region's number")
        }
        return region
    }

    func field(_ column: String) throws -> FieldFilter { try field(text: self[column]) }

    func field(text: String) throws -> FieldFilter {
        guard let field = FieldFilter(text) else { throw StoreError.unusable("\(text) is no field") }
        return field
    }

    func choice<T: RawRepresentable>(_ column: String, _: T.Type = T.self) throws -> T where T.RawValue == String {
        let text: String = self[column]
        guard let value = T(rawValue: text) else { throw StoreError.unusable("\(text) is no \(T.self)") }
        return value
    }

    var channel: Channel { Channel(stored: self["channel"]) }

    func urgency(_ column: String) -> Bulletin.Urgency {
        let rank: Int = self[column]
        return Bulletin.Urgency.allCases.first { $0.rank == rank } ?? .routine
    }

    /// Reads the columns of `StoredBulletin.columns`.
    func storedBulletin() throws -> StoredBulletin {
        StoredBulletin(
            number: self["id"], id: BulletinID(publisher: self["publisher"], id: self["name"]),
            revision: self["revision"],
            kind: Set<Bulletin.Kind>(mask: self["kind"]).first ?? .announcement, state: try choice("state"),
            receivedAt: time("received_at"), firstReceivedAt: time("first_received_at"), payload: bytes("payload"))
    }
}

extension StoredBulletin {
    static let columns = """
        b.id, b.publisher, b.name, b.revision, b.kind, b.state, b.received_at, b.first_received_at,
        (SELECT payload FROM payloads WHERE bulletin = b.id) AS payload
        """
}

/// Numbers as a JSON list, for `json_each`.
func jsonList(_ numbers: some Sequence<Int64>) -> String {
    "[" + numbers.map(String.init).joined(separator: ",") + "]"
}
