import Bulletins
import Foundation

/// The project's data and the tests' files, found from where this file stands.
enum Fixtures {
    static let project = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: project.appending(path: path)))
    }

    static func lines(_ path: String) throws -> [JSONValue] {
        try bytes(path).split(separator: UInt8(ascii: "\n")).map { try JSONParser.parse($0) }
    }

    static let registries = Result {
        Registries(
            regions: try RegionTree(csv: bytes("config/data/regions.csv")),
            successors: try RegionSuccessors(csv: bytes("config/data/region-successors.csv")),
            timeZones: try TimeZones(csv: bytes("config/data/timezones.csv")),
            fields: try FieldRegistry(csv: bytes("config/data/fields.csv")))
    }

    /// The publishers of the samples, by slug.
    static func samplePublishers() throws -> [String: Publisher] {
        var reader = CSVReader(try bytes("Tests/Fixtures/samples/publishers.csv"))
        _ = reader.next()
        var found: [String: Publisher] = [:]
        while let row = reader.next() {
            let cells = row.map { reader.text($0) }
            found[cells[0]] = Publisher(
                slug: cells[0], name: cells[1], amqpUser: cells[0],
                kinds: Set(cells[3].split(separator: "|").compactMap { Bulletin.Kind(rawValue: String($0)) }),
                regions: [Region(cells[2])].compactMap { $0 }, mayPublishEmergencies: cells[0] == "bpbd.35.08")
        }
        return found
    }

    /// A time at which the samples had just been written, before any of them expires.
    static let sampleTime = Timestamp(milliseconds: 1_795_420_800_000)
}
