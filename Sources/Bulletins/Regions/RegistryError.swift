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
}
