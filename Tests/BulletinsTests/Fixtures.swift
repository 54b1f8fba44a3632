import Bulletins
import Foundation

/// The project's data and the fixtures of the tests, located relative to this file.
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
                scope: .init(
                    kinds: Set(cells[3].split(separator: "|").compactMap { Bulletin.Kind(rawValue: String($0)) }),
                    regions: [Region(cells[2])].compactMap { $0 }, mayPublishEmergencies: cells[0] == "bpbd.35.08"))
        }
        return found
    }

    /// A time after the samples were written and before any of them expires.
    static let sampleTime = Timestamp(milliseconds: 1_795_420_800_000)
}

// MARK: - Validation

extension Fixtures {
    static func validate(_ value: JSONValue, sender: Sender = .trusted, at now: Timestamp = sampleTime) throws
        -> Result<AcceptedBulletin, Rejection>
    {
        let publisher = try samplePublishers()[value["publisher"]?.stringValue ?? ""]
        return BulletinValidator(registries: try registries.get())
            .validate(value, publisher: publisher, sender: sender, now: now)
    }

    static func errors(_ value: JSONValue, sender: Sender = .trusted) throws -> [BulletinError] {
        if case .failure(let rejection) = try validate(value, sender: sender) { rejection.errors } else { [] }
    }

    /// The errors of the sample `06-desa-musyawarah` with these members changed, as `POINTER CODE`.
    static func errors(changing members: [String: JSONValue]) throws -> [String] {
        guard
            case .object(var object) = try JSONParser.parse(
                bytes("Tests/Fixtures/samples/06-desa-musyawarah.json"))
        else { return [] }
        for (name, value) in members { object[name] = value }
        return try errors(.object(object)).map { "\($0.path) \($0.code.rawValue)" }
    }
}
