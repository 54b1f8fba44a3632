/// The reference data of validation, routing and rendering: regions with their successors and time zones, and fields.
/// The program loads it once at the start and never changes it.
public struct Registries: Sendable {
    public let regions: RegionTree
    public let successors: RegionSuccessors
    public let timeZones: TimeZones
    public let fields: FieldRegistry

    public init(regions: RegionTree, successors: RegionSuccessors, timeZones: TimeZones, fields: FieldRegistry) {
        self.regions = regions
        self.successors = successors
        self.timeZones = timeZones
        self.fields = fields
    }
}

/// An error in the file of a registry.
public enum RegistryError: Error, Sendable, Equatable, CustomStringConvertible {
    case badRow(file: String, line: Int, problem: String)
    case empty(file: String)

    public var description: String {
        switch self {
        case .badRow(let file, let line, let problem):
            "\(file), line \(line): \(problem); correct the row, or restore the file from the release"
        case .empty(let file):
            "\(file) has no rows; restore the file from the release"
        }
    }

    /// The problem with a name that goes into mails, pages and feeds; nil for a valid name.
    static func problem(ofName bytes: some Collection<UInt8>) -> String? {
        // The fast path: nearly all of the 91,599 names are printable ASCII.
        if !bytes.isEmpty, bytes.allSatisfy({ (0x20..<0x7F).contains($0) }), bytes.contains(where: { $0 != 0x20 }) {
            return nil
        }
        guard let name = String(validating: Array(bytes), as: UTF8.self) else { return "is not UTF-8" }
        // Tables that were copied from documents contain line separators. Every output replaces them by spaces.
        return Grammar.fault(ofLine: name.replacing(/[\u2028\u2029]/, with: " "), mayBeBlank: false)
    }
}
