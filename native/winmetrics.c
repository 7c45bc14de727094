/*
 * Raw counters of a Windows machine: interfaces, disks, volumes, page files, processes. Numbers as
 * Windows has them; rates and names of metrics are made in agent/metrics/. Nothing here waits for a
 * device, starts a process or asks another machine.
 */
#include "winaddon.h"

#include <winsock2.h>
#include <ws2ipdef.h>
#include <iphlpapi.h>
#include <pdh.h>
#include <pdhmsg.h>
#include <psapi.h>
#include <tlhelp32.h>
#include <wchar.h>

static void add_interface(napi_env env, napi_value list, UINT32 at, const MIB_IF_ROW2 *row) {
  napi_value entry;
  napi_create_object(env, &entry);
  put_text(env, entry, "name", row->Alias);
  put_number(env, entry, "type", row->Type);
  put_flag(env, entry, "hardware", row->InterfaceAndOperStatusFlags.HardwareInterface);
  put_flag(env, entry, "filter", row->InterfaceAndOperStatusFlags.FilterInterface);
  put_number(env, entry, "bytesIn", (double)row->InOctets);
  put_number(env, entry, "bytesOut", (double)row->OutOctets);
  napi_set_element(env, list, at, entry);
}

/* interfaces() → [{name, type, hardware, filter, bytesIn, bytesOut}] */
static napi_value interfaces(napi_env env, napi_callback_info info) {
  (void)info;
  MIB_IF_TABLE2 *table;
  napi_value list;
  const DWORD error = GetIfTable2(&table);
  if (error != NO_ERROR) return throw_error(env, "GetIfTable2", error);
  napi_create_array(env, &list);
  for (ULONG i = 0; i < table->NumEntries; i += 1) add_interface(env, list, i, &table->Table[i]);
  FreeMibTable(table);
  return list;
}

/*
 * Two counters of every disk. PDH's English names: its usual ones are in the language of the
 * machine. Made at the first call; a machine whose counters are switched off has none, so a failure
 * is asked about again.
 */
static struct {
  PDH_HQUERY query;
  PDH_HCOUNTER bytes_read;
  PDH_HCOUNTER bytes_written;
} disk;

static PDH_STATUS open_disks(void) {
  if (disk.query != NULL) return ERROR_SUCCESS;
  PDH_STATUS status = PdhOpenQueryW(NULL, 0, &disk.query);
  if (status != ERROR_SUCCESS) return status;
  status = PdhAddEnglishCounterW(disk.query, L"\\PhysicalDisk(*)\\Disk Read Bytes/sec", 0,
                                 &disk.bytes_read);
  if (status == ERROR_SUCCESS) {
    status = PdhAddEnglishCounterW(disk.query, L"\\PhysicalDisk(*)\\Disk Write Bytes/sec", 0,
                                   &disk.bytes_written);
  }
  if (status != ERROR_SUCCESS) {
    PdhCloseQuery(disk.query);
    disk.query = NULL;
  }
  return status;
}

/* The counter's raw values, which go on counting; to be freed. NULL with *status when there are none. */
static PDH_RAW_COUNTER_ITEM_W *raw_values(PDH_HCOUNTER counter, DWORD *count, PDH_STATUS *status) {
  DWORD bytes = 0;
  *status = PdhGetRawCounterArrayW(counter, &bytes, count, NULL);
  if (*status != (PDH_STATUS)PDH_MORE_DATA) return NULL;
  PDH_RAW_COUNTER_ITEM_W *values = HeapAlloc(GetProcessHeap(), 0, bytes);
  if (values == NULL) {
    *status = ERROR_NOT_ENOUGH_MEMORY;
    return NULL;
  }
  *status = PdhGetRawCounterArrayW(counter, &bytes, count, values);
  if (*status == ERROR_SUCCESS) return values;
  HeapFree(GetProcessHeap(), 0, values);
  return NULL;
}

static napi_value disk_list(napi_env env, const PDH_RAW_COUNTER_ITEM_W *read,
                            const PDH_RAW_COUNTER_ITEM_W *written, DWORD count) {
  napi_value list, entry;
  napi_create_array(env, &list);
  for (DWORD i = 0; i < count; i += 1) {
    napi_create_object(env, &entry);
    put_text(env, entry, "name", read[i].szName);
    put_number(env, entry, "bytesRead", (double)read[i].RawValue.FirstValue);
    put_number(env, entry, "bytesWritten", (double)written[i].RawValue.FirstValue);
    napi_set_element(env, list, i, entry);
  }
  return list;
}

/* disks() → [{name, bytesRead, bytesWritten}], the sum as `_Total` among them */
static napi_value disks(napi_env env, napi_callback_info info) {
  (void)info;
  PDH_STATUS status = open_disks();
  if (status == ERROR_SUCCESS) status = PdhCollectQueryData(disk.query);
  if (status != ERROR_SUCCESS) return throw_error(env, "PDH", status);
  DWORD count = 0, written_count = 0;
  PDH_RAW_COUNTER_ITEM_W *read = raw_values(disk.bytes_read, &count, &status);
  if (read == NULL) return throw_error(env, "PDH", status);
  PDH_RAW_COUNTER_ITEM_W *written = raw_values(disk.bytes_written, &written_count, &status);
  /* Both are of one collection, so the same disks in the same order. */
  const bool same = written != NULL && written_count == count;
  const napi_value list = same ? disk_list(env, read, written, count) : NULL;
  HeapFree(GetProcessHeap(), 0, read);
  if (written != NULL) HeapFree(GetProcessHeap(), 0, written);
  return same ? list : throw_error(env, "PDH", written == NULL ? status : ERROR_INVALID_DATA);
}

enum { DRIVES_CHARS_MAX = 4 * 26 + 1 };

/* volumes() → [{mount, bytes, freeBytes, availableBytes}] of the fixed drives */
static napi_value volumes(napi_env env, napi_callback_info info) {
  (void)info;
  WCHAR drives[DRIVES_CHARS_MAX];
  napi_value list, entry;
  UINT32 count = 0;
  const DWORD length = GetLogicalDriveStringsW(DRIVES_CHARS_MAX, drives);
  if (length == 0) return throw_error(env, "GetLogicalDriveStrings", GetLastError());
  napi_create_array(env, &list);
  for (const WCHAR *drive = drives; *drive != 0; drive += wcslen(drive) + 1) {
    ULARGE_INTEGER available, bytes, free_bytes;
    if (GetDriveTypeW(drive) != DRIVE_FIXED) continue;
    /* Locked by BitLocker, or not formatted: it has no size. */
    if (!GetDiskFreeSpaceExW(drive, &available, &bytes, &free_bytes)) continue;
    napi_create_object(env, &entry);
    put_text(env, entry, "mount", drive);
    put_number(env, entry, "bytes", (double)bytes.QuadPart);
    put_number(env, entry, "freeBytes", (double)free_bytes.QuadPart);
    put_number(env, entry, "availableBytes", (double)available.QuadPart);
    napi_set_element(env, list, count, entry);
    count += 1;
  }
  return list;
}

struct page_files {
  double pages;
  double used_pages;
};

static BOOL CALLBACK add_page_file(void *context, ENUM_PAGE_FILE_INFORMATION *file, LPCWSTR name) {
  (void)name;
  struct page_files *sum = context;
  sum->pages += (double)file->TotalSize;
  sum->used_pages += (double)file->TotalInUse;
  return TRUE;
}

static double page_bytes(void) {
  SYSTEM_INFO system;
  GetSystemInfo(&system);
  return system.dwPageSize;
}

/* pageFiles() → {bytes, usedBytes} of all together */
static napi_value page_files(napi_env env, napi_callback_info info) {
  (void)info;
  struct page_files sum = {0, 0};
  napi_value result;
  if (!EnumPageFilesW(add_page_file, &sum)) {
    return throw_error(env, "EnumPageFiles", GetLastError());
  }
  napi_create_object(env, &result);
  put_number(env, result, "bytes", sum.pages * page_bytes());
  put_number(env, result, "usedBytes", sum.used_pages * page_bytes());
  return result;
}

/* processes() → [{pid, name}] of all that run now */
static napi_value processes(napi_env env, napi_callback_info info) {
  (void)info;
  PROCESSENTRY32W process = {.dwSize = sizeof process};
  napi_value list, entry;
  UINT32 count = 0;
  const HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
  if (snapshot == INVALID_HANDLE_VALUE) {
    return throw_error(env, "CreateToolhelp32Snapshot", GetLastError());
  }
  napi_create_array(env, &list);
  for (BOOL more = Process32FirstW(snapshot, &process); more;
       more = Process32NextW(snapshot, &process)) {
    napi_create_object(env, &entry);
    put_number(env, entry, "pid", process.th32ProcessID);
    put_text(env, entry, "name", process.szExeFile);
    napi_set_element(env, list, count, entry);
    count += 1;
  }
  CloseHandle(snapshot);
  return list;
}

/* Windows counts time in units of 100 ns. */
static double ms_of(FILETIME time) {
  const ULARGE_INTEGER units = {.LowPart = time.dwLowDateTime, .HighPart = time.dwHighDateTime};
  return (double)units.QuadPart / 10000;
}

static void put_process(napi_env env, napi_value result, HANDLE process) {
  FILETIME created, exited, kernel, user;
  PROCESS_MEMORY_COUNTERS memory = {.cb = sizeof memory};
  IO_COUNTERS io;
  if (GetProcessTimes(process, &created, &exited, &kernel, &user)) {
    put_number(env, result, "createdMs", ms_of(created));
    put_number(env, result, "cpuMs", ms_of(kernel) + ms_of(user));
  }
  if (GetProcessMemoryInfo(process, &memory, sizeof memory)) {
    put_number(env, result, "residentBytes", (double)memory.WorkingSetSize);
  }
  if (GetProcessIoCounters(process, &io)) {
    put_number(env, result, "readBytes", (double)io.ReadTransferCount);
    put_number(env, result, "writtenBytes", (double)io.WriteTransferCount);
  }
}

/*
 * processCounters(pid) → {createdMs, cpuMs, residentBytes, readBytes, writtenBytes}, without those
 * that Windows does not tell; `createdMs` is from 1601 on. Or Windows' number of the error: a
 * process that is gone or that others may not look at is no surprise, and exceptions cost time.
 */
static napi_value process_counters(napi_env env, napi_callback_info info) {
  napi_value argument, result;
  UINT32 pid = 0;
  arguments_of(env, info, &argument, 1);
  napi_get_value_uint32(env, argument, &pid);
  const HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid);
  if (process == NULL) {
    napi_create_double(env, GetLastError(), &result);
    return result;
  }
  napi_create_object(env, &result);
  put_process(env, result, process);
  CloseHandle(process);
  return result;
}

void add_metrics(napi_env env, napi_value exports) {
  put_function(env, exports, "interfaces", interfaces);
  put_function(env, exports, "disks", disks);
  put_function(env, exports, "volumes", volumes);
  put_function(env, exports, "pageFiles", page_files);
  put_function(env, exports, "processes", processes);
  put_function(env, exports, "processCounters", process_counters);
}
