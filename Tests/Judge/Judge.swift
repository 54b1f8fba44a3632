import Bulletins
import Foundation

/// A tool of the tests: reads bulletins as JSON Lines on stdin and prints for each what the validator
/// says, `{"errors": [{path, code, message}]}`, so that Python's jsonschema can be held against it.
@main
struct Judge {
    static func main() throws {
        let registries = try registries(in: CommandLine.arguments.dropFirst().first ?? "config/data")
        let validator = BulletinValidator(registries: registries)
        let input = FileHandle.standardInput.readDataToEndOfFile()
        for line in [UInt8](input).split(separator: UInt8(ascii: "\n")) {
            let errors = errors(in: Array(line), validator).map(\.json)
            print(JSONWriter.text(["errors": .array(errors)]))
        }
    }

    /// One that may say anything, one of a village, one of a field.
    private static let publishers = [
        Publisher(
            slug: "uji", name: "Uji", amqpUser: "uji", kinds: Set(Bulletin.Kind.allCases), regions: [.country],
            mayPublishEmergencies: true),
        Publisher(
            slug: "desa", name: "Pemerintah Desa", amqpUser: "desa", kinds: Set(Bulletin.Kind.allCases),
            regions: ["35.07.26.2003"].compactMap { Region($0) }),
        Publisher(
            slug: "dinkes", name: "Dinas Kesehatan", amqpUser: "dinkes", kinds: [.announcement],
            regions: ["73"].compactMap { Region($0) }, fields: ["kesehatan"].compactMap { FieldFilter($0) }),
    ]

    private static func errors(in line: [UInt8], _ validator: BulletinValidator) -> [BulletinError] {
        let envelope = MessageEnvelope(contentType: nil, contentEncoding: nil, headers: [:])
        let now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        switch envelope.open(line) {
        case .failure(let refusal): return refusal.errors
        case .success(let value):
            let publisher = publishers.first { $0.slug == value["publisher"]?.stringValue }
            guard
                case .failure(let refusal) = validator.validate(value, publisher: publisher, sender: .trusted, now: now)
            else { return [] }
            return refusal.errors
        }
    }

    private static func registries(in folder: String) throws -> Registries {
        func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))) }
        return Registries(
            regions: try RegionTree(csv: bytes("regions.csv")),
            successors: try RegionSuccessors(csv: bytes("region-successors.csv")),
            timeZones: try TimeZones(csv: bytes("timezones.csv")), fields: try FieldRegistry(csv: bytes("fields.csv")))
    }
}
