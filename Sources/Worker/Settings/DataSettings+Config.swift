package import Bulletins
import Foundation

extension SettingKey {
    static let dataRegions = SettingKey(
        "data.regions", .text("config/data/regions.csv", form: "a file"),
        """
        The registry of regions. Without this key the worker looks in config/data, in the working folder or above the \
        program, then in PREFIX/share/kentongan/data.
        """)
    static let dataSuccessors = SettingKey(
        "data.successors", .text("config/data/region-successors.csv", form: "a file"),
        "The successors of retired region codes. The default is beside data.regions, here and below.")
    static let dataTimeZones = SettingKey(
        "data.timezones", .text("config/data/timezones.csv", form: "a file"),
        "The time zones of provinces and regencies.")
    static let dataFields = SettingKey(
        "data.fields", .text("config/data/fields.csv", form: "a file"), "The registry of fields.")

    static let data = [dataRegions, dataSuccessors, dataTimeZones, dataFields]
}

extension Settings {
    /// The files of the registries.
    package struct DataFiles: Sendable {
        package var regions: String
        package var successors: String
        package var timeZones: String
        package var fields: String

        init(_ reader: SettingsReader) {
            let regions = reader.string(.dataRegions) ?? DataFolder.path + "/regions.csv"
            let folder = regions.lastIndex(of: "/").map { regions[...$0] } ?? ""
            func file(_ key: SettingKey, _ name: String) -> String { reader.string(key) ?? folder + name }
            self.regions = regions
            successors = file(.dataSuccessors, "region-successors.csv")
            timeZones = file(.dataTimeZones, "timezones.csv")
            fields = file(.dataFields, "fields.csv")
        }
    }
}

extension Settings.DataFiles {
    /// Reads the registries. Each fault names its key and its file.
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
        // The other files are expected beside this one, so a wrong folder is one fault.
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
