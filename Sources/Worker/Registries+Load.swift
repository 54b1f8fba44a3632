package import Bulletins
import Foundation

extension Settings.DataFiles {
    /// Reads the registries. Everything that is wrong names its key and its file.
    package func load() throws(ConfigurationError) -> Registries {
        var faults: [ConfigurationError] = []
        func part<T>(_ key: String, _ file: String, _ read: ([UInt8], String) throws -> T) -> T? {
            do throws(ConfigurationError) {
                return try load(key, file, read)
            } catch {
                faults.append(error)
                return nil
            }
        }
        let tree = part("data.regions", regions) { try RegionTree(csv: $0, file: $1) }
        // The other files are looked for beside it, so a folder that is wrong is one fault.
        if let fault = faults.first { throw fault }
        let successors = part("data.successors", successors) { try RegionSuccessors(csv: $0, file: $1) }
        let timeZones = part("data.timezones", timeZones) { try TimeZones(csv: $0, file: $1) }
        let fields = part("data.fields", fields) { try FieldRegistry(csv: $0, file: $1) }
        guard let tree, let successors, let timeZones, let fields else {
            throw faults.count == 1 ? faults[0] : .several(faults)
        }
        return Registries(regions: tree, successors: successors, timeZones: timeZones, fields: fields)
    }

    private func load<T>(_ key: String, _ file: String, _ read: ([UInt8], String) throws -> T)
        throws(ConfigurationError) -> T
    {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw .badValue(key: key, reason: "\(file) cannot be read")
        }
        do {
            return try read(Array(data), file)
        } catch {
            throw .badValue(key: key, reason: "\(error)")
        }
    }
}
