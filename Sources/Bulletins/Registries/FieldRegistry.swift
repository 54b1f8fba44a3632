/// The fields of public affairs that bulletins may use, with their names in Indonesian and English.
public struct FieldRegistry: Sendable {
    public struct Entry: Sendable {
        public let field: Field
        public let nameID: String
        public let nameEN: String
        public let description: String
    }

    /// The entries in the order of the file.
    public private(set) var entries: [Entry] = []
    private var byField: [Field: Int] = [:]

    /// Reads the columns `code,name_id,name_en,description`. A parent precedes its children.
    public init(csv bytes: [UInt8], file: String = "fields.csv") throws(RegistryError) {
        var reader = CSVReader(bytes)
        _ = reader.next()
        while let row = reader.next() {
            let cells = row.map { reader.text($0) }
            guard cells.count >= 3, let field = Field(cells[0]) else {
                throw .badRow(file: file, line: reader.line, problem: "the row is not code,name_id,name_en")
            }
            if let parent = field.parent, byField[parent] == nil {
                throw .badRow(file: file, line: reader.line, problem: "the parent of \(field) is missing")
            }
            for name in row[1...2] {
                guard let problem = RegistryError.problem(ofName: reader.bytes(name)) else { continue }
                throw .badRow(file: file, line: reader.line, problem: "a name of \(field) \(problem)")
            }
            byField[field] = entries.count
            entries.append(
                Entry(field: field, nameID: cells[1], nameEN: cells[2], description: cells.count > 3 ? cells[3] : ""))
        }
        guard !entries.isEmpty else { throw .empty(file: file) }
    }

    public func contains(_ field: Field) -> Bool { byField[field] != nil }

    public subscript(field: Field) -> Entry? { byField[field].map { entries[$0] } }

    /// The name of a field in English if `language` is `en`, else in Indonesian; the slug of an unknown field.
    public func name(of field: Field, language: String) -> String {
        guard let entry = self[field] else { return field.code }
        return language == "en" ? entry.nameEN : entry.nameID
    }
}
