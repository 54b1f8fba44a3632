import Bulletins

/// Reads codes that people typed; what is wrong says what would be right.
struct CodeReader {
    let registries: Registries

    func region(_ typed: String) throws -> Region {
        let text = try TypedText.code(typed)
        guard let region = Region(text), registries.regions.contains(region) else {
            throw RefusedInput("\(text) is not among the regions; look it up with: kentongan regions search")
        }
        return region
    }

    func field(_ typed: String) throws -> FieldFilter {
        let text = try TypedText.code(typed)
        guard let filter = FieldFilter(text) else { throw unknownField(text) }
        if case .field(let field) = filter, !registries.fields.contains(field) { throw unknownField(text) }
        return filter
    }

    private func unknownField(_ text: String) -> RefusedInput {
        RefusedInput("\(text) is not among the fields; list them with: kentongan fields list")
    }

    func kinds(_ texts: [String]) throws -> Set<Bulletin.Kind> {
        Set(try texts.map { try choice($0, "kind") })
    }

    func publisher(_ text: String) throws -> String {
        try TypedText.refuseUnseen(text)
        guard Grammar.isPublisher(text) else { throw RefusedInput("\(text) is no slug of 2-64 of a-z0-9.-") }
        return text
    }

    func choice<T: RawRepresentable & CaseIterable>(_ text: String, _ what: String) throws -> T
    where T.RawValue == String {
        guard let value = T(rawValue: text) else {
            throw RefusedInput(
                "\(text) is no \(what); it is one of \(T.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return value
    }
}
