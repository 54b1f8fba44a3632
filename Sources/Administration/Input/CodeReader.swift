package import Bulletins

/// Reads codes and choices that people type. An error says how to find the right one.
package struct CodeReader: Sendable {
    let registries: Registries

    package init(_ registries: Registries) { self.registries = registries }

    package func region(_ typed: String) throws(OperationError) -> Region {
        let text = try TypedText.code(typed)
        guard let region = Region(text), registries.regions.contains(region) else {
            throw .invalid(
                "\(text) is not among the regions", advice: "look it up with: kentongan regions search")
        }
        return region
    }

    package func field(_ typed: String) throws(OperationError) -> FieldFilter {
        let text = try TypedText.code(typed)
        guard let filter = FieldFilter(text) else { throw unknownField(text) }
        if case .field(let field) = filter, !registries.fields.contains(field) { throw unknownField(text) }
        return filter
    }

    private func unknownField(_ text: String) -> OperationError {
        .invalid("\(text) is not among the fields", advice: "list them with: kentongan fields list")
    }

    func regions(_ texts: [String]) throws(OperationError) -> [Region] {
        var regions: [Region] = []
        for text in texts { regions.append(try region(text)) }
        return regions
    }

    func fields(_ texts: [String]) throws(OperationError) -> [FieldFilter] {
        var fields: [FieldFilter] = []
        for text in texts { fields.append(try field(text)) }
        return fields
    }

    func kinds(_ texts: [String]) throws(OperationError) -> Set<Bulletin.Kind> {
        var kinds: Set<Bulletin.Kind> = []
        for text in texts { kinds.insert(try choice(text, "kind")) }
        return kinds
    }

    func publisher(_ text: String) throws(OperationError) -> String {
        try TypedText.refuseUnseen(text)
        guard Grammar.isPublisher(text) else { throw .invalid("\(text) is no slug of 2-64 of a-z0-9.-") }
        return text
    }

    /// One of the names of a type, which `noun` names in errors.
    func choice<T: RawRepresentable & CaseIterable>(_ text: String, _ noun: String) throws(OperationError) -> T
    where T.RawValue == String {
        guard let value = T(rawValue: text) else {
            let names = T.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalid("\(text) is no \(noun); it is one of \(names)")
        }
        return value
    }
}
