/*
 * Put in front of each C file of the addon, this makes an addon whose calls of Windows that nobody
 * under Wine can look at afterwards are written down (watched.c) and then made.
 */
#pragma once
#include "winaddon.h"

BOOL WINAPI watched_ChangeServiceConfig2W(SC_HANDLE service, DWORD level, void *info);
BOOL WINAPI watched_CreateDirectoryW(const WCHAR *path, SECURITY_ATTRIBUTES *attributes);
SC_HANDLE WINAPI watched_OpenSCManagerW(const WCHAR *machine, const WCHAR *database, DWORD access);
SC_HANDLE WINAPI watched_OpenServiceW(SC_HANDLE manager, const WCHAR *name, DWORD access);
HANDLE WINAPI watched_RegisterEventSourceW(const WCHAR *machine, const WCHAR *source);
SERVICE_STATUS_HANDLE WINAPI watched_RegisterServiceCtrlHandlerExW(
    const WCHAR *name, LPHANDLER_FUNCTION_EX handler, void *context);
BOOL WINAPI watched_ReportEventW(HANDLE log, WORD type, WORD category, DWORD event, PSID user,
                                 WORD count, DWORD bytes, const WCHAR **texts, void *data);
BOOL WINAPI watched_SetFileSecurityW(const WCHAR *path, SECURITY_INFORMATION what,
                                     PSECURITY_DESCRIPTOR wanted);

#ifndef WATCHING
#define ChangeServiceConfig2W watched_ChangeServiceConfig2W
#define CreateDirectoryW watched_CreateDirectoryW
#define OpenSCManagerW watched_OpenSCManagerW
#define OpenServiceW watched_OpenServiceW
#define RegisterEventSourceW watched_RegisterEventSourceW
#define RegisterServiceCtrlHandlerExW watched_RegisterServiceCtrlHandlerExW
#define ReportEventW watched_ReportEventW
#define SetFileSecurityW watched_SetFileSecurityW
#endif
