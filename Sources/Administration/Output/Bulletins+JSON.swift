package import Bulletins
package import Storage

extension BulletinRow {
    package var json: JSONObject {
        var object: JSONObject = [
            "id": .string(stored.id.description), "publisher": .string(stored.id.publisher),
            "bulletinId": .string(stored.id.id), "revision": .integer(stored.revision),
            "kind": .string(stored.kind.rawValue), "title": .string(title), "urgency": .string(urgency.rawValue),
            "state": .string(stored.state.rawValue), "regions": .texts(regions), "fields": .texts(fields),
            "receivedAt": .time(stored.receivedAt), "issuedAt": .time(issuedAt), "publishAt": .time(publishAt),
            "expiresAt": .time(expiresAt), "deliveries": .object(Self.counts(deliveriesByState)),
        ]
        object.set("proposalState", proposal?.state)
        object.set("proposalStage", proposal?.stage)
        return object
    }

    /// Deliveries by state, over all channels, in the order of the states' names.
    package var deliveriesByState: [(state: String, count: Int)] {
        Self.sorted(deliveries.values.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) })
    }

    /// Deliveries by channel and state, in the order of their names.
    package var deliveriesByChannel: [(channel: String, states: [(state: String, count: Int)])] {
        deliveries.sorted { $0.key < $1.key }.map { ($0.key, Self.sorted($0.value)) }
    }

    private static func sorted(_ counts: [String: Int]) -> [(state: String, count: Int)] {
        counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    fileprivate static func counts(_ counts: [(state: String, count: Int)]) -> JSONObject {
        JSONObject(unique: counts.map { ($0.state, .number($0.count)) })
    }
}

extension BulletinView {
    /// The row, its relation to the bulletin that was asked for, its deliveries by channel, and the bulletin itself.
    package var json: JSONObject {
        var object = row.json
        object["relation"] = .string(relation.rawValue)
        object["byChannel"] = .object(
            JSONObject(unique: row.deliveriesByChannel.map { ($0.channel, .object(BulletinRow.counts($0.states))) }))
        object["bulletin"] = (try? JSONParser.parse(row.stored.payload)) ?? .null
        return object
    }
}

extension RegionCoverage {
    package var json: JSONObject {
        [
            "region": .string(region.code), "name": .string(name), "state": .string(state),
            "endpoints": .number(endpoints), "delivered": .number(delivered),
        ]
    }
}

extension LevelCoverage {
    package var json: JSONObject {
        [
            "level": .string("\(level)"), "regions": .number(regions), "subscribed": .number(subscribed),
            "reached": .number(reached), "none": .number(regions - subscribed),
        ]
    }
}
