/// What is wrong with a registry's file.
public enum RegistryError: Error, Sendable, Equatable, CustomStringConvertible {
    case badRow(file: String, line: Int, problem: String)
    case empty(file: String)

    public var description: String {
        switch self {
        case .badRow(let file, let line, let problem):
            "\(file), line \(line): \(problem); mend the row or take the file of the release again"
        case .empty(let file):
            "\(file) holds no rows; take the file of the release again"
        }
    }

    /// What is wrong with a name that goes into mails, pages and feeds; nil for a good one.
    static func problem(ofName bytes: some Collection<UInt8>) -> String? {
        // Nearly all of the many are printable ASCII.
        if !bytes.isEmpty, bytes.allSatisfy({ (0x20..<0x7F).contains($0) }), bytes.contains(where: { $0 != 0x20 }) {
            return nil
        }
        guard let name = String(validating: Array(bytes), as: UTF8.self) else { return "is not UTF-8" }
        // Tables that were copied out of documents hold line separators. All outputs write them as spaces.
        return Grammar.fault(ofLine: name.replacing(/[\u2028\u2029]/, with: " "), mayBeBlank: false)
    }
}
